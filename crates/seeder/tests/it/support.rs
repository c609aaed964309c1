//! The program, and what it left in the store.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use test_servers::{fresh_name, shared_mongo};
use todo_model::{Todo, TodoId};
use todo_store::{Store, StoreOptions, StoreUrl};

/// A store of a test's own.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) database: String,
    pub(crate) _folder: Option<TempDir>,
}

pub(crate) fn mongo() -> Place {
    Place { url: shared_mongo().url(), database: fresh_name("seeded"), _folder: None }
}

pub(crate) fn embedded() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("redb:{}", folder.path().join("todos.redb").display());
    Place { url, database: "unused".to_owned(), _folder: Some(folder) }
}

impl Place {
    /// `seeder generate` into this place.
    pub(crate) fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
        command.arg("generate").args(["--store", &self.url, "--database", &self.database]).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn generate(&self, flags: &[&str]) -> Output {
        self.command(flags).output().unwrap()
    }

    pub(crate) async fn open(&self) -> Store {
        let options = StoreOptions {
            database: self.database.clone(),
            timeout: Duration::from_secs(20),
            ..StoreOptions::default()
        };
        Store::open(&self.url.parse::<StoreUrl>().unwrap(), &options).await.unwrap()
    }

    /// The todos with the ids 1 to `count` that are there, in order of their numbers.
    pub(crate) async fn todos(&self, count: u64) -> Vec<Todo> {
        let store = self.open().await;
        let ids: Vec<TodoId> = (1..=count).map(|n| n.to_string().parse().unwrap()).collect();
        let mut todos = Vec::new();
        for ids in ids.chunks(1_000) {
            todos.extend(store.find_many(ids).await.unwrap().into_iter().map(|found| found.todo));
        }
        todos.sort_by_key(|todo| todo.id.as_str().parse::<u64>().unwrap());
        todos
    }

    pub(crate) async fn count(&self) -> u64 {
        self.open().await.count().await.unwrap()
    }
}

pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits for a condition, with a deadline.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

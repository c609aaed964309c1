//! The program, and what it left in the store.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use bson::RawDocumentBuf;
use tempfile::TempDir;
use test_servers::{fresh_name, mongo_tool, shared_mongo};
use todo_model::{Todo, TodoId};
use todo_store::raw::Documents;
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
        self.of("generate", flags)
    }

    /// Any command of the seeder, over this place.
    pub(crate) fn of(&self, name: &str, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
        command.arg(name).args(["--store", &self.url, "--database", &self.database]).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it; all must be well.
    pub(crate) fn done(&self, name: &str, flags: &[&str]) -> String {
        let output = self.of(name, flags).output().unwrap();
        assert!(output.status.success(), "{name} {flags:?}: {}", said(&output));
        said(&output)
    }

    /// Runs it; it must end with exit code 1.
    pub(crate) fn fails(&self, name: &str, flags: &[&str]) -> String {
        let output = self.of(name, flags).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{name} {flags:?}: {}", said(&output));
        said(&output)
    }

    /// One of the MongoDB Database Tools, over this server.
    pub(crate) fn tool(&self, name: &str, flags: &[&str]) -> String {
        let output = Command::new(mongo_tool(name)).args(["--uri", &self.url]).args(flags).output().unwrap();
        assert!(output.status.success(), "{name} {flags:?}: {}", said(&output));
        said(&output)
    }

    /// The real mongodump of this database, into an archive.
    pub(crate) fn mongodump(&self, file: &Path, flags: &[&str]) {
        let archive = format!("--archive={}", file.display());
        self.tool("mongodump", &[&["--db", &self.database, &archive], flags].concat());
    }

    /// Another collection of the same database.
    pub(crate) async fn collection(&self, name: &str) -> Store {
        let options = StoreOptions {
            database: Some(self.database.clone()),
            collection: name.to_owned(),
            timeout: Duration::from_secs(20),
            bulk_timeout: Duration::from_secs(60),
            ..StoreOptions::default()
        };
        Store::open(&self.url.parse::<StoreUrl>().unwrap(), &options).await.unwrap()
    }

    /// Adds documents to a collection.
    pub(crate) async fn put(&self, collection: &str, documents: &[RawDocumentBuf]) {
        let store = self.collection(collection).await;
        for some in documents.chunks(1_000) {
            let inserted = store.insert_raw(&raw(some)).await.unwrap();
            assert_eq!(inserted.count, some.len() as u64, "{inserted:?}");
        }
        store.flush().await.unwrap();
    }

    /// All documents of a collection, in the order of their bytes.
    pub(crate) async fn all(&self, collection: &str) -> Vec<Vec<u8>> {
        let store = self.collection(collection).await;
        let (mut reader, mut all) = (store.read_raw().await.unwrap(), Vec::new());
        while let Some(some) = reader.next().await.unwrap() {
            all.extend(some.iter().map(<[u8]>::to_vec));
        }
        all.sort();
        all
    }

    pub(crate) fn generate(&self, flags: &[&str]) -> Output {
        self.command(flags).output().unwrap()
    }

    pub(crate) async fn open(&self) -> Store {
        let options = StoreOptions {
            database: Some(self.database.clone()),
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

/// How many todos a run writes that is to be broken in its middle: more if it was over before it could be broken, as one may
/// be on a machine that is slow to break it.
pub(crate) const COUNTS: [u64; 3] = [20_000, 200_000, 2_000_000];

/// Waits until a run has written some thousands; false if it is over already.
pub(crate) async fn is_in_the_middle(child: &mut Child, place: &Place) -> bool {
    let store = place.open().await;
    let mut is_over = false;
    until("some todos are written", || {
        is_over = child.try_wait().unwrap().is_some();
        let (over, store) = (is_over, &store);
        async move { over || store.count().await.unwrap() >= 3_000 }
    })
    .await;
    !is_over
}

/// Sends a signal, and waits for the end of the run.
pub(crate) fn signalled(child: Child, signal: &str) -> Output {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap()
}

/// The command line that a broken run names, as a shell takes it.
pub(crate) fn resume(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec {} {}", env!("CARGO_BIN_EXE_seeder"), line.trim())]);
    command
}

pub(crate) fn raw(documents: &[RawDocumentBuf]) -> Documents {
    let mut all = Documents::default();
    documents.iter().for_each(|document| all.push(document.as_bytes()).unwrap());
    all
}

/// A file of BSON: documents one behind the other.
pub(crate) fn bson_file(folder: &Path, documents: &[RawDocumentBuf]) -> String {
    let path = folder.join("todos.bson");
    std::fs::write(&path, documents.iter().flat_map(|document| document.as_bytes().to_vec()).collect::<Vec<_>>())
        .unwrap();
    path.display().to_string()
}

pub(crate) fn sorted(documents: &[RawDocumentBuf]) -> Vec<Vec<u8>> {
    let mut all: Vec<_> = documents.iter().map(|document| document.as_bytes().to_vec()).collect();
    all.sort();
    all
}

pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) use test_servers::until;

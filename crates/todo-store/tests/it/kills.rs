//! The file of the embedded store after its process was killed, again and again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use todo_model::{Todo, Version};
use todo_store::{Precondition, Store, StoreError, StoreUrl};

use crate::support::{id, options, todo};

/// The test runs itself as another process, with the file in this variable, and kills that.
const KILLED: &str = "TODO_STORE_TEST_KILLED";
/// With which number each of its writers begins.
const FROM: &str = "TODO_STORE_TEST_FROM";
/// How often; for a long run, another number.
const KILLS: &str = "TODO_STORE_TEST_KILLS";
const USUAL_KILLS: u64 = 25;
const WRITERS: u64 = 8;

/// What a writer does with its number.
enum Act {
    Create(String),
    Replace(String),
    Delete(String),
}

/// Ids of a writer's own: no other writer changes what it relies on.
fn act(writer: u64, number: u64) -> Act {
    let again = format!("{writer}-{}", number % 5);
    match number % 4 {
        0 => Act::Create(format!("{writer}-new-{number}")),
        3 => Act::Delete(again),
        _ => Act::Replace(again),
    }
}

async fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(&StoreUrl::Embedded(path.to_owned()), &options()).await
}

/// What each id must have: the number that wrote it, and its version once that was seen.
#[derive(Default)]
struct Known {
    todos: BTreeMap<String, (u64, Option<Version>)>,
    highest: Option<Version>,
}

impl Known {
    fn did(&mut self, writer: u64, number: u64) {
        match act(writer, number) {
            Act::Create(id) | Act::Replace(id) => drop(self.todos.insert(id, (number, None))),
            Act::Delete(id) => drop(self.todos.remove(&id)),
        }
    }

    /// Whether the writer's write is in the store, although nobody heard that it was.
    async fn look(&mut self, store: &Store, writer: u64, number: u64) {
        let (Act::Create(key) | Act::Replace(key) | Act::Delete(key)) = act(writer, number);
        let found = store.find(&id(&key)).await.unwrap().map(|found| found.todo.name);
        let before = self.todos.get(&key).map(|(number, _)| number.to_string());
        if found != before {
            self.did(writer, number);
        }
    }

    async fn check(&mut self, store: &Store, round: u64) {
        for (key, (number, seen)) in &mut self.todos {
            let found = store.find(&id(key)).await.unwrap();
            let found = found.unwrap_or_else(|| panic!("{key} is lost in round {round}"));
            assert_eq!(found.todo.name, number.to_string(), "{key} in round {round}");
            assert!(seen.is_none_or(|seen| seen == found.version), "{key} in round {round}");
            *seen = Some(found.version);
            self.highest = self.highest.max(Some(found.version));
        }
        assert_eq!(store.count().await.unwrap(), self.todos.len() as u64, "in round {round}");
        let next = store.replace(&Todo { id: id("again"), ..todo("one") }, &Precondition::None).await.unwrap();
        assert!(Some(next.version) > self.highest, "versions do not go back, in round {round}");
        store.delete(&id("again"), &Precondition::None).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kills_and_the_file_is_whole() {
    if let Some(path) = std::env::var_os(KILLED) {
        return write_until_killed(Path::new(&path)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("todos.redb");
    let kills = std::env::var(KILLS).map_or(USUAL_KILLS, |kills| kills.parse().unwrap());
    let (mut known, mut next, mut acknowledged) = (Known::default(), [0; WRITERS as usize], 0);
    for round in 0..kills {
        let starts: Vec<String> = next.iter().map(u64::to_string).collect();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::what_was_acknowledged_survives_kills_and_the_file_is_whole", "--nocapture"])
            .env(KILLED, &path)
            .env(FROM, starts.join(","))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.ends_with("opens")), "it begins, in round {round}");
        // Every fourth while it opens what the one before left.
        let wanted = if round % 4 == 3 { 0 } else { (round * 37 % 97 + 1) as usize };
        let told = |line: String| {
            let (writer, number) = line.split_once("wrote ")?.1.split_once(' ')?;
            Some((writer.parse::<u64>().unwrap(), number.parse::<u64>().unwrap()))
        };
        if wanted == 0 {
            tokio::time::sleep(Duration::from_millis(round % 7)).await;
        }
        let mut all: Vec<(u64, u64)> = lines.by_ref().filter_map(told).take(wanted).collect();
        child.kill().unwrap();
        all.extend(lines.filter_map(told));
        assert!(!child.wait().unwrap().success() && all.len() >= wanted, "it was killed at work, in round {round}");
        acknowledged += all.len();

        let store = open(&path).await.unwrap_or_else(|error| panic!("the file opens, in round {round}: {error}"));
        for (writer, number) in all {
            known.did(writer, number);
            next[writer as usize] = number + 1;
        }
        for (writer, next) in next.iter_mut().enumerate() {
            known.look(&store, writer as u64, *next).await;
            *next += 1;
        }
        known.check(&store, round).await;
    }
    assert!(acknowledged as u64 > kills, "{acknowledged} writes in {kills} rounds");
}

/// Each writer waits for its acknowledgement, and says so, before it goes on.
async fn write_until_killed(path: &Path) {
    // In one piece each: the others write there, too.
    let say = |line: String| std::io::stdout().write_all(line.as_bytes()).unwrap();
    say("\nopens\n".to_owned());
    let (store, from) = (open(path).await.unwrap(), std::env::var(FROM).unwrap());
    let writers = from.split(',').enumerate().map(|(writer, from)| {
        let (store, writer, from) = (store.clone(), writer as u64, from.parse::<u64>().unwrap());
        tokio::spawn(async move {
            for number in from.. {
                let named = |key: &str| Todo { id: id(key), ..todo(&number.to_string()) };
                match act(writer, number) {
                    Act::Create(key) => drop(store.create(&named(&key)).await.unwrap()),
                    Act::Replace(key) => drop(store.replace(&named(&key), &Precondition::None).await.unwrap()),
                    Act::Delete(key) => {
                        let deleted = store.delete(&id(&key), &Precondition::None).await;
                        assert!(matches!(deleted, Ok(_) | Err(StoreError::NotFound(_))), "{deleted:?}");
                    }
                }
                say(format!("wrote {writer} {number}\n"));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

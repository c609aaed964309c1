//! A cached lookup over SQLite: who may log in. One file is shared by processes, and a trigger gives every row its version,
//! whoever writes it.
//!
//! ```sh
//! cargo run --example sqlite -- users.db redis://127.0.0.1
//! ```

#![expect(clippy::print_stdout, reason = "the output of the program")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cache_aside::{CacheAside, Commit, Loaded, ReadOptions, Source};
use rusqlite::{Connection, OptionalExtension, Result};

/// The version counts all writes of the table, so it rises over a delete and a new create, too. (Not `rowid` or
/// `data_version`: those come again.) Writers of a file wait for each other, so their order is that of the versions.
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, email TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS users_version (last INTEGER NOT NULL);
    INSERT INTO users_version SELECT 0 WHERE NOT EXISTS (SELECT * FROM users_version);
    CREATE TRIGGER IF NOT EXISTS users_insert AFTER INSERT ON users BEGIN
        UPDATE users_version SET last = last + 1;
        UPDATE users SET version = (SELECT last FROM users_version) WHERE name = new.name;
    END;
    CREATE TRIGGER IF NOT EXISTS users_update AFTER UPDATE OF name, email ON users BEGIN
        UPDATE users_version SET last = last + 1;
        UPDATE users SET version = (SELECT last FROM users_version) WHERE name = new.name;
    END;
    CREATE TRIGGER IF NOT EXISTS users_delete AFTER DELETE ON users BEGIN
        UPDATE users_version SET last = last + 1;
    END;";

#[derive(Clone)]
struct Users(Arc<Mutex<Connection>>);

impl Users {
    fn open(file: &str) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(1))?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// SQLite blocks, so it runs on a thread where that is allowed.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        let work = move || work(&mut this.0.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(work).await.expect("no query panics")
    }
}

impl Source for Users {
    type Error = rusqlite::Error;

    async fn load(&self, name: &str) -> Result<Loaded> {
        let name = name.to_owned();
        let select = "SELECT version, email FROM users WHERE name = ?";
        let row =
            self.run(move |db| db.query_row(select, [name], |row| Ok((row.get(0)?, row.get(1)?))).optional()).await?;
        Ok(row.map_or(Loaded::Absent, |(version, email): (u64, String)| Loaded::Value { version, body: email.into() }))
    }
}

/// Sets an address through the cache: the next read of it is a hit.
async fn set_email(users: &CacheAside<Users>, name: &'static str, email: &'static str) -> Result<u64> {
    let store = users.source().clone();
    let upsert = "INSERT INTO users (name, email) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET email = ?2";
    let commit = async move {
        let version = store.run(move |db| {
            // Two statements, one transaction: the version is that of this write.
            let write = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            write.execute(upsert, [name, email])?;
            let version = write.query_row("SELECT version FROM users WHERE name = ?", [name], |row| row.get(0))?;
            write.commit().map(|()| version)
        });
        match version.await {
            Ok(version) => Commit::Value { version, body: email.into(), result: () },
            Err(error) => Commit::Nothing(error),
        }
    };
    match users.write(name, commit).await {
        Ok(written) => Ok(written.version),
        Err(cache_aside::WriteError::Store(error)) => Err(error),
        Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| ":memory:".to_owned());
    let cache = arguments.next().unwrap_or_else(|| "memory:".to_owned());
    let users = CacheAside::builder(cache.as_str(), Users::open(&file)?).prefix("users").start().await?;

    for step in 0..4 {
        let answer = users.read("ada", ReadOptions::default()).await?;
        let email = answer.entry.map(|entry| String::from_utf8_lossy(&entry.body).into_owned());
        println!("{}: {}", answer.outcome.as_str(), email.as_deref().unwrap_or("nobody of that name"));
        match step {
            0 => drop(set_email(&users, "ada", "ada@example.org").await?),
            1 => drop(set_email(&users, "ada", "lovelace@example.org").await?),
            _ => {}
        }
    }
    Ok(())
}

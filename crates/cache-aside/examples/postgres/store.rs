//! The store: each operation is one statement, and says the version that the trigger drew.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use cache_aside::{Loaded, Source};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Row};

/// Reads that may be under way at one time.
pub(crate) const READS: usize = 12;
/// One for each of these, and four for writes and probes, so that none of them waits behind reads.
const CONNECTIONS: usize = READS + 4;
/// How long a statement may take; the server gives up by itself. Below the lease ([`cache_aside::Options::lease`]).
const STATEMENT: Duration = Duration::from_secs(2);
/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// What is cached, in the order in which it is answered.
#[derive(Debug, Serialize)]
struct Todo {
    id: String,
    name: String,
    description: Option<String>,
}

/// What a `PUT` says.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NewTodo {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
}

/// What a `PATCH` says.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TodoPatch {
    pub(crate) name: Option<String>,
    /// `Some(None)` removes it.
    #[serde(default, deserialize_with = "given")]
    pub(crate) description: Option<Option<String>>,
}

/// When a write may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    None,
    /// If there is nothing.
    Absent,
    /// If this is the version that is there.
    Version(i64),
}

/// What a write left behind.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Version of the todo, or of its absence.
    pub(crate) version: u64,
    /// The todo as it is answered; `None` if it was removed.
    pub(crate) body: Option<Bytes>,
    /// Whether there was nothing before.
    pub(crate) created: bool,
}

/// Why something was not done.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    #[error("PostgreSQL does not answer in time")]
    Timeout,
    #[error("no connection to PostgreSQL: {0}")]
    NoConnection(String),
    #[error("PostgreSQL failed")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("this follower was away for so long that changes were removed before it saw them")]
    Forgotten,
    #[error("there is none")]
    NotFound,
    #[error("it is there already")]
    AlreadyThere,
    #[error("it is not what was expected")]
    PreconditionFailed,
}

/// The table `todos`.
#[derive(Clone)]
pub(crate) struct Todos {
    pool: Pool,
}

impl Source for Todos {
    type Error = StoreError;

    fn is_outage(error: &StoreError) -> bool {
        error.is_outage()
    }

    async fn load(&self, id: &str) -> Result<Loaded, StoreError> {
        let rows = self.query("SELECT id, name, description, version FROM todos WHERE id = $1", &[&id]).await?;
        Ok(rows.first().map_or(Loaded::Absent, |row| {
            let (version, body) = entry(row);
            Loaded::Value { version, body }
        }))
    }

    fn max_batch(&self) -> usize {
        64
    }

    /// All of them by one query.
    async fn load_many(&self, ids: &[&str]) -> Result<Vec<Result<Loaded, StoreError>>, StoreError> {
        let select = "SELECT id, name, description, version FROM todos WHERE id = ANY ($1)";
        let rows = self.query(select, &[&ids]).await?;
        let mut found: HashMap<&str, (u64, Bytes)> = rows.iter().map(|row| (row.get(0), entry(row))).collect();
        let loaded = |(version, body)| Loaded::Value { version, body };
        Ok(ids.iter().map(|id| Ok(found.remove(id).map_or(Loaded::Absent, loaded))).collect())
    }
}

impl Todos {
    /// Makes the tables if they are not there.
    pub(crate) async fn open(mut config: Config) -> Result<Self, StoreError> {
        config.options(format!("-c statement_timeout={}", STATEMENT.as_millis()));
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, NoTls, recycling))
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(CONNECT))
            .create_timeout(Some(CONNECT))
            .build();
        let todos = Self { pool: pool.map_err(|error| StoreError::NoConnection(error.to_string()))? };
        todos.make_tables().await?;
        Ok(todos)
    }

    async fn make_tables(&self) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        // Of two processes that start at one time, one waits for the other.
        transaction.batch_execute("SELECT pg_advisory_xact_lock(hashtext('todo schema'))").await?;
        let row = transaction.query_one("SELECT to_regclass('todo_followers') IS NULL", &[]).await?;
        if row.get(0) {
            transaction.batch_execute(include_str!("schema.sql")).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Whether PostgreSQL answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.query("SELECT 1", &[]).await.map(|_| ())
    }

    /// Writes the whole todo.
    pub(crate) async fn put(&self, id: String, todo: NewTodo, only: Precondition) -> Result<Stored, StoreError> {
        let NewTodo { name, description } = &todo;
        match only {
            Precondition::None => self.write(UPSERT, &[&id, name, description]).await?.ok_or(StoreError::NotFound),
            Precondition::Absent => {
                let stored = self.write(INSERT, &[&id, name, description]).await?;
                stored.ok_or(StoreError::PreconditionFailed)
            }
            Precondition::Version(version) => {
                let stored = self.write(REPLACE, &[&id, name, description, &version]).await?;
                stored.ok_or(StoreError::PreconditionFailed)
            }
        }
    }

    /// Writes a todo that is not there.
    pub(crate) async fn create(&self, id: String, todo: NewTodo) -> Result<Stored, StoreError> {
        let stored = self.write(INSERT, &[&id, &todo.name, &todo.description]).await?;
        stored.ok_or(StoreError::AlreadyThere)
    }

    /// Writes the fields that the patch names.
    pub(crate) async fn patch(&self, id: String, patch: TodoPatch, only: Precondition) -> Result<Stored, StoreError> {
        let (given, description) = (patch.description.is_some(), patch.description.flatten());
        let version = only.version();
        let stored = self.write(PATCH, &[&id, &patch.name, &given, &description, &version]).await?;
        stored.ok_or(only.failed())
    }

    /// Removes a todo.
    pub(crate) async fn delete(&self, id: String, only: Precondition) -> Result<Stored, StoreError> {
        let rows = self.query(DELETE, &[&id, &only.version()]).await?;
        let version = rows.first().map(|row| row.get::<_, i64>(0).unsigned_abs());
        let version = version.ok_or(only.failed())?;
        Ok(Stored { version, body: None, created: false })
    }

    async fn write(&self, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Stored>, StoreError> {
        let rows = self.query(statement, values).await?;
        Ok(rows.first().map(|row| {
            let (version, body) = entry(row);
            Stored { version, body: Some(body), created: row.get(4) }
        }))
    }

    async fn query(&self, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        let client = self.client().await?;
        let answer = async { client.query(&client.prepare_cached(statement).await?, values).await };
        Ok(tokio::time::timeout(STATEMENT * 2, answer).await.map_err(|_| StoreError::Timeout)??)
    }

    async fn client(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| StoreError::NoConnection(error.to_string()))
    }
}

const UPSERT: &str = "
    INSERT INTO todos (id, name, description) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description
    RETURNING id, name, description, version, xmax = 0";

const INSERT: &str = "
    INSERT INTO todos (id, name, description) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
    RETURNING id, name, description, version, true";

const REPLACE: &str = "
    UPDATE todos SET name = $2, description = $3 WHERE id = $1 AND version = $4
    RETURNING id, name, description, version, false";

const PATCH: &str = "
    UPDATE todos SET name = coalesce($2, name), description = CASE WHEN $3 THEN $4 ELSE description END
    WHERE id = $1 AND ($5::bigint IS NULL OR version = $5)
    RETURNING id, name, description, version, false";

/// The version of the absence is drawn after the row is locked, so it is above every version that the id had.
const DELETE: &str = "
    WITH gone AS (DELETE FROM todos WHERE id = $1 AND ($2::bigint IS NULL OR version = $2) RETURNING id)
    SELECT nextval('todo_version') FROM gone";

impl Precondition {
    fn version(self) -> Option<i64> {
        if let Self::Version(version) = self { Some(version) } else { None }
    }

    /// Why nothing was written where there was nothing to write to.
    fn failed(self) -> StoreError {
        if self == Self::None { StoreError::NotFound } else { StoreError::PreconditionFailed }
    }
}

impl StoreError {
    /// Whether PostgreSQL as a whole is away, as against a statement that it refuses.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::NoConnection(_)) || self.leaves_unknown()
    }

    /// Whether a write that failed so may have happened all the same. What the server refuses has not, unless it is
    /// going down.
    pub(crate) fn leaves_unknown(&self) -> bool {
        match self {
            Self::Timeout => true,
            Self::Postgres(error) => error.code().is_none_or(|code| code.code().starts_with("57P")),
            _ => false,
        }
    }
}

/// Version and body of a row that begins with id, name, description and version.
fn entry(row: &Row) -> (u64, Bytes) {
    let todo = Todo { id: row.get(0), name: row.get(1), description: row.get(2) };
    let body = serde_json::to_vec(&todo).expect("text becomes JSON");
    (row.get::<_, i64>(3).unsigned_abs(), body.into())
}

/// Tells a field that is null from one that is not there.
fn given<'de, D: serde::Deserializer<'de>>(field: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(field).map(Some)
}

//! Todos in one file (redb), crash-safe: what is acknowledged is on disk (of bulk inserts: after a flush).
//!
//! - `table`: the layout of the file, and the operations inside a transaction.
//! - `replacement`: a whole file in the place of another. `raw`: documents as bytes. `changes`: who watches is told of them.
//! - `hot_ids`: which ids are read most. `writer`: the one thread that writes, many changes to a transaction.

mod changes;
mod hot_ids;
mod raw;
mod replacement;
mod table;
mod writer;

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use redb::{Database, DatabaseError, ReadTransaction, ReadableDatabase};
use todo_model::{Todo, TodoId, TodoPatch, Version};
use tokio::sync::broadcast;
use tokio::task::JoinError;

pub(crate) use self::changes::EmbeddedChanges;
pub(crate) use self::replacement::EmbeddedReplacement;
use self::table::{Entry, FORMAT, Tables, Todos};
use self::writer::{Durable, Writer};
use crate::change::Change;
use crate::error::StoreError;
use crate::options::{OpenMode, StoreOptions};
use crate::precondition::{Precondition, Replaced, Versioned};
use crate::receipt::Receipt;

/// Clones share the file.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddedStore {
    /// Before the writer, which closes the file when it is dropped as the last to hold it.
    database: Arc<Database>,
    writer: Writer,
    changes: broadcast::Sender<Change>,
    timeout: Duration,
    bulk_timeout: Duration,
    /// Names the file.
    pub(crate) identity: String,
}

impl EmbeddedStore {
    pub(crate) async fn open(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        if options.mode == OpenMode::ReadOnly && !path.exists() {
            return Err(StoreError::Refused(format!("{} does not exist", path.display())));
        }
        let shown = path.to_owned();
        let (path, cache_bytes) = (path.to_owned(), options.embedded_cache_bytes);
        // Not bounded: a file that was not closed is repaired first, however long that takes.
        let opened = tokio::task::spawn_blocking(move || open(path, cache_bytes)).await;
        let database = Arc::new(opened.map_err(ended)??);
        let changes = changes::channel();
        let writer = Writer::start(Arc::clone(&database), changes.clone());
        let identity = format!("redb {}", shown.canonicalize().unwrap_or(shown).display());
        Ok(Self { database, writer, changes, timeout: options.timeout, bulk_timeout: options.bulk_timeout, identity })
    }

    pub(crate) async fn find(&self, id: &TodoId) -> Result<Option<Versioned>, StoreError> {
        let id = id.clone();
        self.read(self.timeout, move |todos| todos.find(&id)).await
    }

    pub(crate) async fn find_each(&self, ids: &[TodoId]) -> Result<Vec<Result<Versioned, StoreError>>, StoreError> {
        let ids = ids.to_vec();
        let find = move |todos: &Todos| Ok(ids.iter().filter_map(|id| todos.find(id).transpose()).collect());
        self.read(self.bulk_timeout, find).await
    }

    pub(crate) async fn count(&self) -> Result<u64, StoreError> {
        self.read(self.bulk_timeout, Todos::count).await
    }

    /// It keeps an exact one.
    pub(crate) async fn estimated_count(&self) -> Result<u64, StoreError> {
        self.count().await
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.read(self.timeout, |_| Ok(())).await
    }

    pub(crate) async fn create(&self, todo: &Todo) -> Result<Version, StoreError> {
        let todo = todo.clone();
        self.write(self.timeout, move |tables| tables.create(&todo)).await
    }

    pub(crate) async fn replace(&self, todo: &Todo, precondition: &Precondition) -> Result<Replaced, StoreError> {
        let (todo, precondition) = (todo.clone(), precondition.clone());
        self.write(self.timeout, move |tables| tables.replace(&todo, &precondition)).await
    }

    pub(crate) async fn patch(
        &self,
        id: &TodoId,
        patch: &TodoPatch,
        precondition: &Precondition,
    ) -> Result<Versioned, StoreError> {
        let (id, patch, precondition) = (id.clone(), patch.clone(), precondition.clone());
        self.write(self.timeout, move |tables| tables.patch(&id, &patch, &precondition)).await
    }

    pub(crate) async fn delete(&self, id: &TodoId, precondition: &Precondition) -> Result<Version, StoreError> {
        let (id, precondition) = (id.clone(), precondition.clone());
        self.write(self.timeout, move |tables| tables.delete(&id, &precondition)).await
    }

    pub(crate) async fn insert_many(&self, todos: &[Todo]) -> Result<Receipt, StoreError> {
        let entries: Vec<_> = todos.iter().map(Entry::of).collect();
        // They are small, and the cache that was asked for is meant for them.
        let later = Durable::Later { bytes: 0 };
        let insert = self.writer.run(self.bulk_timeout, later, move |tables| tables.insert_many(entries));
        insert.await.map(|((), receipt)| receipt)
    }

    pub(crate) fn is_durable(&self, receipt: Receipt) -> bool {
        self.writer.is_durable(receipt)
    }

    /// The highest version that was ever given.
    async fn clock(&self) -> Result<Version, StoreError> {
        self.write(self.bulk_timeout, |tables| tables.clock()).await
    }

    /// Versions are given only above this one from now on.
    async fn advance_clock(&self, clock: Version) -> Result<(), StoreError> {
        self.write(self.bulk_timeout, move |tables| tables.advance_clock(clock)).await
    }

    /// A change of nothing that is on disk has everything before it on disk.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        self.write(self.bulk_timeout, |_| Ok(())).await
    }

    pub(crate) async fn clear(&self) -> Result<(), StoreError> {
        self.write(self.bulk_timeout, |tables| tables.clear()).await
    }

    /// On a thread where waiting for the disk holds nobody up.
    async fn read<T: Send + 'static>(
        &self,
        deadline: Duration,
        read: impl FnOnce(&Todos) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read_transaction(deadline, move |transaction| read(&Todos::open(transaction)?)).await
    }

    async fn read_transaction<T: Send + 'static>(
        &self,
        deadline: Duration,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.database);
        let reading = tokio::task::spawn_blocking(move || read(&database.begin_read().map_err(failed)?));
        match tokio::time::timeout(deadline, reading).await {
            Ok(read) => read.map_err(ended)?,
            Err(late) => Err(StoreError::Unavailable(Arc::new(late))),
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        deadline: Duration,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(deadline, Durable::Now, change).await.map(|(changed, _)| changed)
    }
}

fn open(path: PathBuf, cache_bytes: usize) -> Result<Database, StoreError> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::Refused(format!("{shown}: {error}")))?;
    }
    let opened = Database::builder().set_cache_size(cache_bytes).create(&path);
    let database = opened.map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::Refused(format!(
            "{shown} is open in another process; the embedded store serves one process at a time: stop that one, or use \
             MongoDB"
        )),
        DatabaseError::UpgradeRequired(version) => {
            StoreError::Refused(format!("{shown} has the old file format {version}; seed it again"))
        }
        error => StoreError::Refused(format!("{shown} cannot be opened: {error}")),
    })?;
    let format = table::prepare(&database).map_err(|error| match error {
        StoreError::Failed(cause) => StoreError::Refused(format!("{shown} is no store of todos: {cause}")),
        error => error,
    })?;
    if format != FORMAT {
        return Err(StoreError::Refused(format!("{shown} has layout {format}; this program knows {FORMAT}")));
    }
    Ok(database)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Failed(Arc::new(error))
}

/// A task that did not come to its end.
fn ended(error: JoinError) -> StoreError {
    error.try_into_panic().map_or_else(failed, |panic| damaged(&*panic))
}

/// redb panics over pages that no redb wrote: what was read until then is not all.
fn damaged(panic: &(dyn Any + Send)) -> StoreError {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let said = text.unwrap_or("it ended in a panic");
    failed(std::io::Error::other(format!("the file is damaged, take a copy of it or restore a dump ({said})")))
}

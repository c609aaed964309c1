//! `Store`: the interface, an enum over the two stores.

use std::time::Duration;

use todo_model::{Todo, TodoId, TodoPatch, Version};

use crate::embedded::EmbeddedStore;
use crate::mongo::MongoStore;
use crate::raw::{Documents, Inserted, Reader};
use crate::{StoreError, StoreUrl};

/// A todo and which write of it this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The todo.
    pub todo: Todo,
    /// [`Version::UNVERSIONED`] if another program wrote it.
    pub version: Version,
}

/// What must be so for a write to happen; otherwise it fails with [`StoreError::Conflict`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// No todo has this id yet (`If-None-Match: *`).
    Absent,
    /// The todo is still this one: same version, name and description (`If-Match`). The content counts besides the
    /// version, since a writer that knows nothing of versions changes only the content.
    Unchanged(Versioned),
}

/// What a replace did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// The version of the todo now.
    pub version: Version,
    /// Whether there was none before.
    pub created: bool,
}

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// MongoDB database. Not used by the embedded store.
    pub database: String,
    /// MongoDB collection. Not used by the embedded store.
    pub collection: String,
    /// The deadline of every operation on single todos; also of finding the store at the start.
    pub timeout: Duration,
    /// The deadline of every operation on many todos.
    pub bulk_timeout: Duration,
    /// Memory for the embedded store's pages, in bytes.
    pub embedded_cache_bytes: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            database: "test".to_owned(),
            collection: "todos".to_owned(),
            timeout: Duration::from_secs(2),
            bulk_timeout: Duration::from_secs(30),
            embedded_cache_bytes: 16 << 20,
        }
    }
}

/// The primary database. Clones share it.
#[derive(Debug, Clone)]
pub struct Store(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Mongo(MongoStore),
    Embedded(EmbeddedStore),
}

/// The same call on whichever store it is.
macro_rules! on {
    ($store:expr, $name:ident($($arg:expr),*)) => {
        match &$store.0 {
            Kind::Mongo(mongo) => mongo.$name($($arg),*).await,
            Kind::Embedded(embedded) => embedded.$name($($arg),*).await,
        }
    };
}

impl Store {
    /// Connects, or opens the file (made if it is not there), and makes the unique index on `id`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] within `options.timeout`, [`StoreError::Duplicates`], [`StoreError::Refused`].
    pub async fn open(url: &StoreUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        Ok(Self(match url {
            StoreUrl::Mongo(url) => Kind::Mongo(MongoStore::open(url, options).await?),
            StoreUrl::Embedded(path) => Kind::Embedded(EmbeddedStore::open(path, options).await?),
        }))
    }

    /// As [`Store::open`], but nothing is made or changed, neither file nor index.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] within `options.timeout`, [`StoreError::Refused`], also if there is no such file.
    pub async fn open_as_it_is(url: &StoreUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        match url {
            StoreUrl::Mongo(url) => Ok(Self(Kind::Mongo(MongoStore::open_as_it_is(url, options).await?))),
            StoreUrl::Embedded(path) if !path.exists() => {
                Err(StoreError::Refused(format!("{} does not exist", path.display())))
            }
            StoreUrl::Embedded(_) => Self::open(url, options).await,
        }
    }

    /// How many todos [`Store::insert_many`] likes best to get at a time.
    pub fn batch_size(&self) -> usize {
        match self.0 {
            Kind::Mongo(_) => 1_000,
            // Every batch is flushed to disk.
            Kind::Embedded(_) => 100_000,
        }
    }

    /// The todo with this id, read from the primary with majority concern.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::NotATodo`].
    pub async fn find(&self, id: &TodoId) -> Result<Option<Versioned>, StoreError> {
        on!(self, find(id))
    }

    /// Adds a todo.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the id is taken; [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
    pub async fn create(&self, todo: &Todo) -> Result<Version, StoreError> {
        on!(self, create(todo))
    }

    /// As [`Store::create`], under an id that was made for it and that nobody else knows yet (a UUID): cheaper, since no
    /// other write of the id can race with it.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub async fn create_under_new_id(&self, todo: &Todo) -> Result<Version, StoreError> {
        match &self.0 {
            Kind::Mongo(mongo) => mongo.create_under_new_id(todo).await,
            Kind::Embedded(embedded) => embedded.create(todo).await,
        }
    }

    /// Puts `todo` in the place of the one with its id, or adds it. Fields that the todo does not know are kept.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is not what was expected; [`StoreError::Unavailable`],
    /// [`StoreError::UnknownOutcome`].
    pub async fn replace(&self, todo: &Todo, expect: &Expect) -> Result<Replaced, StoreError> {
        on!(self, replace(todo, expect))
    }

    /// Changes name or description; answers with the todo as it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Conflict`]; [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
    pub async fn patch(&self, id: &TodoId, patch: &TodoPatch, expect: &Expect) -> Result<Versioned, StoreError> {
        on!(self, patch(id, patch, expect))
    }

    /// Removes the todo; answers with the version of its absence, higher than any it had.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Conflict`]; [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
    pub async fn delete(&self, id: &TodoId, expect: &Expect) -> Result<Version, StoreError> {
        on!(self, delete(id, expect))
    }

    /// Adds many todos, in any order; every one whose id is free. See [`Store::batch_size`]. Readers see them at once; a
    /// crash of the process may take back those since the last [`Store::flush`].
    ///
    /// # Errors
    /// [`StoreError::Exists`] names one whose id was taken (the others are in).
    pub async fn insert_many(&self, todos: &[Todo]) -> Result<(), StoreError> {
        on!(self, insert_many(todos))
    }

    /// Makes sure that what [`Store::insert_many`] wrote stays, whatever happens to this process.
    ///
    /// # Errors
    /// [`StoreError::UnknownOutcome`].
    pub async fn flush(&self) -> Result<(), StoreError> {
        on!(self, flush())
    }

    /// Those of `ids` that exist, in any order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::NotATodo`].
    pub async fn find_many(&self, ids: &[TodoId]) -> Result<Vec<Versioned>, StoreError> {
        on!(self, find_many(ids))
    }

    /// How many documents there are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn count(&self) -> Result<u64, StoreError> {
        on!(self, count())
    }

    /// How many documents there are, at once and perhaps not exactly; for a progress bar.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn estimated_count(&self) -> Result<u64, StoreError> {
        on!(self, estimated_count())
    }

    /// Removes all documents; the unique index stays, or is made again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
    pub async fn clear(&self) -> Result<(), StoreError> {
        on!(self, clear())
    }

    /// Adds documents as they are, also their versions; every one that the store can hold and that is not there. As
    /// durable as [`Store::insert_many`]. The store's own clock does not count: a cache may know a higher version.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
    pub async fn insert_raw(&self, documents: &Documents) -> Result<Inserted, StoreError> {
        on!(self, insert_raw(documents))
    }

    /// The stored documents that have the `_id` or the id of one of these.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_raw(&self, like: &Documents) -> Result<Documents, StoreError> {
        on!(self, find_raw(like))
    }

    /// Puts documents in the place of whatever has their `_id` or id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
    pub async fn replace_raw(&self, documents: &Documents) -> Result<(), StoreError> {
        on!(self, replace_raw(documents))
    }

    /// All documents as they are. MongoDB: not of one moment; a change meanwhile may be in or not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn read_raw(&self) -> Result<Reader, StoreError> {
        on!(self, read_raw())
    }

    /// The version of the server. The embedded store has none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn server_version(&self) -> Result<Option<String>, StoreError> {
        on!(self, server_version())
    }

    /// The definitions of the indexes, as MongoDB's `listIndexes` gives them. The embedded store has none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn indexes(&self) -> Result<Documents, StoreError> {
        on!(self, indexes())
    }

    /// Makes indexes of these definitions. The embedded store makes none: it finds todos by id only.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with what the server says; [`StoreError::Unavailable`].
    pub async fn make_indexes(&self, indexes: &Documents) -> Result<(), StoreError> {
        on!(self, make_indexes(indexes))
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        on!(self, ping())
    }
}

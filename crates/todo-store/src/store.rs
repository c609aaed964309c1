//! `Store`: the interface, an enum over the two stores.

use std::time::Duration;

use todo_model::{Todo, TodoId, TodoPatch, Version};

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
    /// The deadline of every operation on single todos; also of opening.
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
pub struct Store {}

impl Store {
    /// Connects, or opens the file (made if it is not there), and makes the unique index on `id`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] within `options.timeout`, [`StoreError::Duplicates`], [`StoreError::Refused`].
    pub async fn open(_url: &StoreUrl, _options: &StoreOptions) -> Result<Self, StoreError> {
        unimplemented!()
    }

    /// The todo with this id, read from the primary with majority concern.
    pub async fn find(&self, _id: &TodoId) -> Result<Option<Versioned>, StoreError> {
        unimplemented!()
    }

    /// Adds a todo; [`StoreError::Exists`] if the id is taken.
    pub async fn create(&self, _todo: &Todo) -> Result<Version, StoreError> {
        unimplemented!()
    }

    /// Puts `todo` in the place of the one with its id, or adds it. Fields that the todo does not know are kept.
    pub async fn replace(&self, _todo: &Todo, _expect: &Expect) -> Result<Replaced, StoreError> {
        unimplemented!()
    }

    /// Changes name or description; answers with the todo as it is now. [`StoreError::NotFound`] if there is none.
    pub async fn patch(&self, _id: &TodoId, _patch: &TodoPatch, _expect: &Expect) -> Result<Versioned, StoreError> {
        unimplemented!()
    }

    /// Removes the todo; answers with the version of its absence, higher than any it had. [`StoreError::NotFound`].
    pub async fn delete(&self, _id: &TodoId, _expect: &Expect) -> Result<Version, StoreError> {
        unimplemented!()
    }

    /// Adds many todos, in any order; every one whose id is free. Meant for batches of about 1,000.
    ///
    /// # Errors
    /// [`StoreError::Exists`] names one whose id was taken (the others are in).
    pub async fn insert_many(&self, _todos: &[Todo]) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Those of `ids` that exist.
    pub async fn find_many(&self, _ids: &[TodoId]) -> Result<Vec<Versioned>, StoreError> {
        unimplemented!()
    }

    /// How many documents there are.
    pub async fn count(&self) -> Result<u64, StoreError> {
        unimplemented!()
    }

    /// Removes all documents; the unique index stays (or is made again).
    pub async fn clear(&self) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        unimplemented!()
    }
}

//! `Store`: the interface, an enum over the two stores.

use todo_model::{Todo, TodoId, TodoPatch, Version};

use crate::embedded::EmbeddedStore;
use crate::mongo::MongoStore;
use crate::raw::{Documents, Inserted, Reader};
use crate::{Precondition, Receipt, Replaced, StoreError, StoreOptions, StoreUrl, Versioned};

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
    /// Connects, or opens the file. What is made or changed on the way is up to [`StoreOptions::mode`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] within `options.timeout`, [`StoreError::Duplicates`], [`StoreError::Refused`], also if a
    /// file that must be there is not.
    pub async fn open(url: &StoreUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        Ok(Self(match url {
            StoreUrl::Mongo(url) => Kind::Mongo(MongoStore::open(url, options).await?),
            StoreUrl::Embedded(_) if options.password_file.is_some() => {
                return Err(StoreError::Refused(
                    "--store-password-file is for MongoDB: leave it out with redb:".to_owned(),
                ));
            }
            StoreUrl::Embedded(path) => Kind::Embedded(EmbeddedStore::open(path, options).await?),
        }))
    }

    /// Whether it can have indexes besides the one on `id`: the embedded store finds todos by id only.
    pub fn supports_indexes(&self) -> bool {
        matches!(self.0, Kind::Mongo(_))
    }

    /// Connections to the database that are open; `None` where there are none by nature.
    pub fn connections(&self) -> Option<u64> {
        match &self.0 {
            Kind::Mongo(mongo) => Some(mongo.connections()),
            Kind::Embedded(_) => None,
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
    /// [`StoreError::Exists`] if the id is taken, [`StoreError::KeyTaken`]; [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
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
    /// [`StoreError::Conflict`] if the precondition does not hold; [`StoreError::Unavailable`],
    /// [`StoreError::UnknownOutcome`].
    pub async fn replace(&self, todo: &Todo, precondition: &Precondition) -> Result<Replaced, StoreError> {
        on!(self, replace(todo, precondition))
    }

    /// Changes name or description; answers with the todo as it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Conflict`]; [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
    pub async fn patch(
        &self,
        id: &TodoId,
        patch: &TodoPatch,
        precondition: &Precondition,
    ) -> Result<Versioned, StoreError> {
        on!(self, patch(id, patch, precondition))
    }

    /// Removes the todo; answers with the version of its absence, higher than any it had.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Conflict`]; [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
    pub async fn delete(&self, id: &TodoId, precondition: &Precondition) -> Result<Version, StoreError> {
        on!(self, delete(id, precondition))
    }

    /// Adds many todos, in any order; every one whose id is free. See [`Store::batch_size`]. Readers see them at once; a
    /// crash of the process may take back those since the last [`Store::flush`].
    ///
    /// # Errors
    /// [`StoreError::Exists`] names one whose id was taken (the others are in).
    pub async fn insert_many(&self, todos: &[Todo]) -> Result<Receipt, StoreError> {
        on!(self, insert_many(todos))
    }

    /// Makes sure that what [`Store::insert_many`] wrote stays, whatever happens to this process.
    ///
    /// # Errors
    /// [`StoreError::UnknownOutcome`].
    pub async fn flush(&self) -> Result<(), StoreError> {
        on!(self, flush())
    }

    /// Whether a bulk write stays, whatever happens to this process.
    pub fn is_durable(&self, receipt: Receipt) -> bool {
        match &self.0 {
            Kind::Mongo(_) => true,
            Kind::Embedded(embedded) => embedded.is_durable(receipt),
        }
    }

    /// Those of `ids` that exist, in any order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::NotATodo`].
    pub async fn find_many(&self, ids: &[TodoId]) -> Result<Vec<Versioned>, StoreError> {
        self.find_each(ids).await?.into_iter().collect()
    }

    /// As [`Store::find_many`], but a document that is no todo hides none of the others.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_each(&self, ids: &[TodoId]) -> Result<Vec<Result<Versioned, StoreError>>, StoreError> {
        on!(self, find_each(ids))
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
    pub async fn replace_raw(&self, documents: &Documents) -> Result<Receipt, StoreError> {
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

    /// The definitions of the indexes, as MongoDB's `listIndexes` gives them; of the embedded store those that the same
    /// todos have in MongoDB.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn indexes(&self) -> Result<Documents, StoreError> {
        on!(self, indexes())
    }

    /// Makes indexes of these definitions, if it [supports](Store::supports_indexes) them.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with what the server says; [`StoreError::Unavailable`].
    pub async fn make_indexes(&self, indexes: &Documents) -> Result<(), StoreError> {
        on!(self, make_indexes(indexes))
    }

    /// The ids that are read most, as a cache has kept them under this name; none if it has not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn hot_ids(&self, name: &str) -> Result<Vec<String>, StoreError> {
        on!(self, hot_ids(name))
    }

    /// Keeps the ids that are read most, the hottest first, in the place of those before. For a cache that is empty; no
    /// todo is touched.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::UnknownOutcome`].
    pub async fn save_hot_ids(&self, name: &str, ids: &[String]) -> Result<(), StoreError> {
        on!(self, save_hot_ids(name, ids))
    }

    /// Names the store: the same in every process that uses it, and another for every other one.
    pub fn identity(&self) -> &str {
        match &self.0 {
            Kind::Mongo(mongo) => &mongo.identity,
            Kind::Embedded(embedded) => &embedded.identity,
        }
    }

    /// Whether an identity, as another process has named it, is of this store.
    pub fn is_same(&self, identity: &str) -> bool {
        match &self.0 {
            Kind::Mongo(mongo) => crate::mongo::identity::is_same(&mongo.identity, identity),
            Kind::Embedded(embedded) => embedded.identity == identity,
        }
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        on!(self, ping())
    }
}

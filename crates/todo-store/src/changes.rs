//! The changes of a store: every write reaches a watcher within moments, also those of programs that know nothing
//! of versions.

use std::time::Duration;

use crate::embedded::EmbeddedChanges;
use crate::mongo::MongoChanges;
use crate::store;
use crate::{Change, Store, StoreError};

/// The changes of a store from one moment on, in the order they happened to each todo.
pub struct Changes(pub(crate) Kind);

pub(crate) enum Kind {
    Mongo(Box<MongoChanges>),
    Embedded(EmbeddedChanges),
}

impl Store {
    /// Whether its changes can be watched: not those of a MongoDB that is no replica set.
    pub fn has_changes(&self) -> bool {
        match &self.0 {
            store::Kind::Mongo(mongo) => mongo.has_changes(),
            store::Kind::Embedded(_) => true,
        }
    }

    /// What happens to the todos from now on, or from where the last watcher of this name saved its place. Needs
    /// MongoDB 6 or later, as a replica set.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Refused`] without the right to watch.
    pub async fn changes(&self, name: Option<&str>) -> Result<Changes, StoreError> {
        Ok(Changes(match &self.0 {
            store::Kind::Mongo(mongo) => Kind::Mongo(Box::new(mongo.changes(name).await?)),
            store::Kind::Embedded(embedded) => Kind::Embedded(embedded.changes()),
        }))
    }
}

impl Changes {
    /// Whether they go on where the last watcher of the same name saved its place. If not, changes may have been missed.
    pub fn is_complete(&self) -> bool {
        match &self.0 {
            Kind::Mongo(changes) => changes.is_complete(),
            Kind::Embedded(_) => false,
        }
    }

    /// The next change; `None` if there is none within a quarter of a second, and none is outstanding. Must not be
    /// dropped before it returns.
    ///
    /// # Errors
    /// Those of the store; then the changes are to be watched anew.
    pub async fn next(&mut self) -> Result<Option<Change>, StoreError> {
        match &mut self.0 {
            Kind::Mongo(changes) => changes.next().await,
            Kind::Embedded(changes) => changes.next().await,
        }
    }

    /// How long ago the change that was given out last was committed, to the second.
    pub fn lag(&self) -> Duration {
        match &self.0 {
            Kind::Mongo(changes) => changes.lag(),
            Kind::Embedded(_) => Duration::ZERO,
        }
    }

    /// Saves the place: the next watcher of the same name goes on behind the changes that were given out.
    ///
    /// # Errors
    /// Those of a write.
    pub async fn save(&mut self) -> Result<(), StoreError> {
        match &mut self.0 {
            Kind::Mongo(changes) => changes.save().await,
            Kind::Embedded(_) => Ok(()),
        }
    }
}

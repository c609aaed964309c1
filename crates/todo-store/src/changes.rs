//! What others did to the todos: every write reaches a watcher within moments, also those of programs that know nothing
//! of versions.

use todo_model::{TodoId, Version};

use crate::StoreError;
use crate::embedded::EmbeddedChanges;
use crate::mongo::MongoChanges;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The todo has this version now, or did for a moment: above every one that its id had before.
    Written {
        /// Of the todo.
        id: TodoId,
        /// Of the todo.
        version: Version,
    },
    /// The todo was removed.
    Deleted {
        /// Of the todo.
        id: TodoId,
    },
    /// The todo was changed or made by a writer that knows nothing of versions: what there is has none, or an old one.
    Touched {
        /// Of the todo.
        id: TodoId,
    },
    /// Anything may have happened to any todo: all were removed, or a delete does not say of what.
    Unknown,
}

/// The changes of a store from one moment on, in the order they happened to each todo.
pub struct Changes(pub(crate) Kind);

pub(crate) enum Kind {
    Mongo(Box<MongoChanges>),
    Embedded(EmbeddedChanges),
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

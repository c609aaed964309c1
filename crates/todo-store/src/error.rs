//! `StoreError`: what went wrong, in terms of what the caller can do.

use std::sync::Arc;

use thiserror::Error;
use todo_model::TodoId;

/// Clones share their source, so that one failed read can answer every request that waited for it.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// The id is taken. Choose another, or replace.
    #[error("a todo with id {0} exists already")]
    Exists(TodoId),
    /// Another program's document has this `_id`, but not this `id`, so it is no todo and yet in the way.
    #[error(
        "another document has the _id {0:?}, but not the id: give it the field id with that value, or remove it, or choose \
         another id"
    )]
    KeyTaken(TodoId),
    /// There is no such todo.
    #[error("there is no todo with id {0}")]
    NotFound(TodoId),
    /// The todo is not, or no longer, what the caller expected ([`crate::Precondition`]). Read it again.
    #[error("todo {0} is not what was expected")]
    Conflict(TodoId),
    /// The store did not answer, and nothing was written. Try again.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Cause),
    /// A write ran out of time or lost its connection: it may or may not have happened. Read before trying again.
    #[error("the outcome of the write is unknown")]
    UnknownOutcome(#[source] Cause),
    /// Two documents have the same id, so the unique index cannot be made. Remove all but one.
    #[error(
        "{collection} has more than one document with id {id}; remove all but one of each id, then start again \
         (the service needs a unique index on id)"
    )]
    Duplicates {
        /// Database and collection, or the file.
        collection: String,
        /// One of the ids that stand more than once.
        id: String,
    },
    /// A stored document is no todo.
    #[error("the document with id {id} is no todo: {problem}")]
    NotATodo {
        /// The id it was found by.
        id: String,
        /// The field and what is wrong with it.
        problem: String,
    },
    /// The store is not usable as configured (wrong password, no right to write, file of another program, locked file).
    #[error("the store refuses: {0}")]
    Refused(String),
    /// Anything else. A bug, or a fault of the store.
    #[error("the store failed")]
    Failed(#[source] Cause),
}

impl StoreError {
    /// The error and what caused it, in one line.
    pub fn with_cause(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}

/// What the driver said.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

//! `Change`: what happened to a todo, as a watcher is told of it.

use todo_model::{TodoId, Version};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The todo has this version now, or did for a moment: above every one that its id had before.
    Written {
        /// Id of the todo.
        id: TodoId,
        /// Version that the write gave the todo.
        version: Version,
    },
    /// The todo was removed.
    Deleted {
        /// Id of the todo.
        id: TodoId,
    },
    /// The todo was changed or made by a writer that knows nothing of versions: what there is has none, or an old one.
    Touched {
        /// Id of the todo.
        id: TodoId,
    },
    /// Anything may have happened to any todo: all were removed, or a delete does not say of what.
    Unknown,
}

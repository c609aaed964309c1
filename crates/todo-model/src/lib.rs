//! The todo: its fields, their limits and its JSON.
//!
//! - [`id`]: `TodoId`, the key a todo is found by.
//! - [`version`]: `Version`, set by the store at every write.
//! - [`mod@todo`]: `Todo` itself, and the limits of its fields, checked in one place.
//! - [`input`]: `NewTodo` and `TodoPatch`, what clients send, read from JSON with errors that name the field.
//! - [`error`]: what was wrong with an input, and where.

pub mod error;
pub mod id;
pub mod input;
pub mod todo;
pub mod version;

pub use error::{FieldError, InputError};
pub use id::TodoId;
pub use input::{NewTodo, TodoPatch};
pub use todo::Todo;
pub use version::Version;

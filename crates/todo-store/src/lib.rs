//! The primary database of todos: MongoDB, or an embedded file (redb), behind one interface.
//!
//! - [`store`]: `Store`, the interface, an enum over the two.
//! - [`url`]: `StoreUrl`, which of the two and where, from `--store`.
//! - [`error`]: `StoreError`, in terms of what the caller can do.
//! - `mongo`, `embedded`: the two stores. `document`: a todo as a BSON document, the same in both.

mod document;
mod embedded;
pub mod error;
mod mongo;
pub mod store;
pub mod url;

pub use error::StoreError;
pub use store::{Expect, Replaced, Store, StoreOptions, Versioned};
pub use url::StoreUrl;

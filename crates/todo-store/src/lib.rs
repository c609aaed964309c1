//! The primary database of todos: MongoDB, or an embedded file (redb), behind one interface.
//!
//! - [`store`]: `Store`, the interface, an enum over the two. `needs`: what a service will need of it, tried out.
//! - [`url`]: `StoreUrl`, which of the two and where, from `--store`; `connection_string`: what of MongoDB's is used. [`options`]: how it is opened.
//! - [`precondition`]: what a write demands of the todo that is there, and what it did.
//! - [`error`]: `StoreError`, in terms of what the caller can do.
//! - [`change`]: what happened to a todo. [`changes`]: the stream of all changes.
//! - [`printable()`]: text from strangers, as it is shown. `receipt`: what tells whether a bulk write is durable. `replacement`: everything replaced at once.
//! - [`raw`]: documents as bytes, which dumps are made of and restored from.
//! - `mongo`, `embedded`: the two stores. `document`: a todo as a BSON document, the same in both.
//!   `fields`: the bytes of documents, field by field.
//! - `failpoints`: guards that a test build can switch off, to show that a checker notices.
//!
//! # What both stores guarantee
//! - **Versions.** Every write gives its todo a [version](todo_model::Version) above all that its id ever had, also over
//!   a delete and a new create; the absence that a delete leaves has one, too. They are on one scale, 2^20 to a second.
//! - **One todo, one step.** The [`Precondition`] of a write is tested in the same step as the write; of two that
//!   demand the same todo, one happens.
//! - **Reads are recent.** Once a write is acknowledged, every read that starts after it sees it or a later one.
//! - **Acknowledged is durable.** MongoDB: a majority has it. Embedded: it is on disk. Only [`Store::insert_many`] into
//!   the embedded store is durable later, by [`Store::flush`].
//! - **Text is text.** No name or description means anything to a store.
//! - **Foreign fields stay.** A replace or a patch changes name, description and version; all other fields, and `_id`,
//!   stay as they are. A document without a version of ours is read as [`UNVERSIONED`](todo_model::Version::UNVERSIONED)
//!   and takes one at its first write.
//! - **Deadlines.** Every operation ends within its [`StoreOptions`] deadline. A read that does not is
//!   [`StoreError::Unavailable`]; a write is that only if surely nothing happened, else
//!   [`StoreError::UnknownOutcome`]. Opening may take longer where there is work to do: making the index on a large
//!   collection, or checking an embedded file whose last process was killed (well under a second for a million todos).
//! - **Secrets stay.** No password is in an error, or in what is shown of a [`StoreUrl`].
//!
//! # What they do not
//! - A standalone MongoDB has no logical clock. Versions then come from its wall clock: a create, a delete and another
//!   create of one id, all three under way within the same millisecond, may share one; and so may those around a
//!   moment when the clock is set back. A replica set, even of one member, has neither.
//! - While MongoDB elects a new primary, a read may still be answered by the old one, which does not know yet.
//! - A foreign program that lowers `v`, or writes the same `v` with other content, breaks the rule of versions for that
//!   todo; [`Precondition::Unchanged`] compares the content, too.
//! - Many operations at once are no transaction: of [`Store::insert_many`] and [`Store::clear`], part may have happened.

pub mod change;
pub mod changes;
mod connection_string;
mod document;
mod embedded;
pub mod error;
mod failpoints;
mod fields;
mod mongo;
mod needs;
pub mod options;
pub mod precondition;
mod printable;
pub mod raw;
mod receipt;
mod replacement;
pub mod store;
pub mod url;

pub use change::Change;
pub use changes::Changes;
pub use connection_string::ConnectionString;
pub use error::{Cause, StoreError};
pub use options::{OpenMode, StoreOptions};
pub use precondition::{Precondition, Replaced, Versioned};
pub use printable::printable;
pub use receipt::Receipt;
pub use replacement::Replacement;
pub use store::Store;
pub use url::StoreUrl;

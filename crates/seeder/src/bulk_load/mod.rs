//! From a source into a store: in batches, several under way at one time, and never more in memory than a few of them.
//!
//! - [`feed`]: a thread reads, checks and batches. [`id_first`]: `_id` stands first, as MongoDB stores it.
//!   [`ids_as_text`]: numeric ids as texts, where that is wished.
//! - [`mod@write`]: a batch into the store, and what to do about what is there. [`tally`]: what became of the documents.
//!   [`remarked`]: what is to be said of some.
//! - `destination`: added to what is there, or beside it and then in its place.
//! - [`job`]: all of it at once, until the end, a failure or a signal.

pub(crate) mod destination;
pub mod feed;
pub mod id_first;
pub mod ids_as_text;
pub mod job;
pub mod remarked;
pub mod tally;
pub mod write;

pub use self::job::ImportJob;

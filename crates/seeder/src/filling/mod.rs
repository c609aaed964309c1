//! From a source into a store: in batches, several under way at one time, and never more in memory than a few of them.
//!
//! - [`feed`]: a thread reads, checks and batches. [`keyed`]: `_id` stands first, as MongoDB stores it.
//! - [`mod@write`]: a batch into the store, and what to do about what is there. [`tally`]: what became of the documents.
//!   [`remarked`]: what is to be said of some.
//! - [`mod@fill`]: both at once, until the end, a failure or a signal.

pub mod feed;
pub mod fill;
pub mod keyed;
pub mod remarked;
pub mod tally;
pub mod write;

pub use self::fill::fill;

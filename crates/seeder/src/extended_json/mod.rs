//! The text of a JSON object into a BSON document: extended JSON of all releases
//! (<https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md>), as mongoimport reads it.
//!
//! - `parse`: objects and arrays. `scalars`: texts and numbers. `wrappers`: objects that stand for values of other types.
//!   `shell`: what the mongo shell writes beside JSON.

mod parse;
mod scalars;
mod shell;
mod wrappers;

pub use self::parse::{Dialect, Wrong, document};

/// What was not kept as it is written, in a document that is passed on all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Remarks {
    /// A name stands twice in an object: the last one counts.
    pub duplicate_keys: bool,
    /// Half of a surrogate pair, which is no character: U+FFFD stands in its place.
    pub half_pairs: bool,
}

//! The limits of a todo, and what is said of an input that is none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod input;
mod values;

//! Fills the primary database with todos.
//!
//! - [`command`]: the command line. [`program`]: each command to its module.
//! - [`todos`]: the todos of a seed: todo number n depends on the seed and n alone.
//! - [`generate`]: writing them, in parallel, with a way to go on after a stop.
//! - [`restore`], [`import`]: documents of a file into a store; [`source`] reads them from [`input`], JSON by [`extended_json`], [`bulk_load`] writes them.
//! - [`dump`]: a store into an archive. [`archive`], [`namespace`]: the format of mongodump.
//! - [`verify`]: what a store holds, against a seed or a file.
//! - [`progress`]: a bar on a terminal, lines elsewhere. [`report`]: what is said at the end. [`error`]: why it stopped.

pub mod archive;
pub mod bulk_load;
pub mod command;
pub mod dump;
pub mod error;
pub mod extended_json;
pub mod generate;
pub mod import;
pub mod input;
pub mod namespace;
pub mod program;
pub mod progress;
pub mod report;
pub mod restore;
pub mod source;
mod stop;
pub mod todos;
pub mod verify;

// A todo is half a dozen small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

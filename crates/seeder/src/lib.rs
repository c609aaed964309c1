//! Fills the primary database with todos.
//!
//! - [`command`]: the command line.
//! - [`todos`]: the todos of a seed: todo number n depends on the seed and n alone.
//! - [`generate`]: writing them, in parallel, with a way to go on after a stop.
//! - [`progress`]: a bar on a terminal, lines elsewhere. [`error`]: why it stopped.
//! - [`source`], [`archive`], [`namespace`]: documents from dumps, JSON and CSV; the archive format.

pub mod archive;
pub mod command;
pub mod dump;
pub mod error;
pub mod filling;
pub mod generate;
pub mod import;
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

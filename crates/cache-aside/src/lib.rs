//! Cache-aside with versions and leases: read from the cache, on a miss from the store, and never put an old value back.
//!
//! The crate knows ids, versions and bytes. What they mean, and where they are stored, its user says by [`Source`].
//!
//! - [`engine`]: `CacheAside`, the joint; one handle for each worker.
//! - [`read`]: the read path, in the order it happens. [`mod@write`]: the write path.
//! - [`source`]: `Source`, the store as the engine sees it.
//! - [`change_stream`]: what others wrote to the store reaches the cache.
//! - [`audit`]: compares cells with the store, and counts those that stay wrong.
//! - [`outcome`]: how a read was answered.
//! - [`options`]: durations and limits. [`url`]: which cache, and where. [`error`]: what can go wrong.
//! - [`cell`]: what the cache holds under one id, byte by byte. [`rules`]: what a put may do to it.
//! - `cache`: Redis, in-process or none behind one enum; `redis` and `memory` are the first two.
//! - `freshness`: what a cell is worth now. `trust`: what may still be believed of it.
//! - `l1`: values in this process, in front of Redis.
//! - `offer`: what is put for what the store gave. `landed`: what a flight ends with.
//! - `flight`: one fill per id at a time. `breaker`: a cache that fails is left alone for a while.
//! - `repair`: publishes that could not be made in time are made up for.
//! - `telling`: what the change stream tells the cache, many ids at a time.
//! - `teeth`: guards that a test build can switch off, to show that the checker notices.

pub mod audit;
mod breaker;
mod cache;
pub mod cell;
pub mod change_stream;
pub mod engine;
pub mod error;
mod flight;
mod freshness;
mod keys;
mod l1;
mod landed;
mod memory;
mod offer;
pub mod options;
pub mod outcome;
pub mod read;
mod redis;
mod repair;
pub mod rules;
pub mod source;
mod teeth;
mod telling;
mod trust;
pub mod url;
pub mod write;

pub use audit::Audited;
pub use change_stream::{Background, Change, ChangeSource, ChangeStream};
pub use engine::{CacheAside, Health};
pub use error::{CacheError, ReadError};
pub use options::{Options, WritePolicy};
pub use outcome::{Answer, Detail, Entry, Outcome};
pub use read::ReadOptions;
pub use source::{Loaded, Source};
pub use url::{CacheUrl, CacheUrlError};
pub use write::{Commit, Published, Written};

/// Compiles the example of the README.
#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct ReadmeExample;

#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! - [`builder`]: makes a cache, and refuses what does not go together. [`engine`]: `CacheAside`, a cache in front of a store.
//! - [`read`]: the read path, in the order it happens. [`read_many`]: the same for many ids. [`mod@write`]: the write path.
//! - [`source`]: `Source`, the store as the engine sees it. `load`: every read of it. `load_queue`: which loads are one query of
//!   it, `batch_size`: how many, `distinct`: each id once. [`mod@key`]: one id of several parts.
//! - [`typed`]: values of a type instead of bytes.
//! - [`change_stream`]: what others wrote to the store reaches the cache.
//! - [`audit`]: compares cells with the store, and counts those that stay wrong.
//! - [`warming`]: how an empty cache is filled with the ids that are read most; `warmer`: who does it; `hot_ids`: which those are.
//!   `sample`: which reads are counted for it; `read_rates`: how often ids are read at present. `lead`: what one process at a time does for all.
//! - [`outcome`]: what a read may ask for, and how it was answered. [`stats`]: what the engine counts;
//!   `counters`: how. [`events`]: what happens to the whole cache. [`inspect`]: what it holds of one id right now.
//! - [`peers`]: what the processes that share a cache tell each other about themselves.
//! - [`options`]: durations and limits. [`url`]: which cache; [`redis_url`] and [`cluster_url`]: where, and as whom.
//!   [`access_files`]: certificates and passwords in files. [`error`]: what can go wrong; [`connect_error`]: why there is no connection.
//! - [`cell`]: what the cache holds under one id, byte by byte. [`rules`]: what a put may do to it. [`lease`]: who is at work on it.
//! - `backend`: the cache in Redis, in this process or none, behind one enum.
//! - `freshness`: whether a cell still answers, and what it is kept for. `timeline`: which cells may be answered at all, and
//!   what they are dated by. `validity`: what all cells share of that. `slot`: which part of a cluster a cell belongs to.
//! - `l1`: values in this process, in front of Redis.
//! - `put`: what is put for what the store gave; `put_loaded`: it is put before it is answered. `contention`: where fills are
//!   overtaken by writers. `fill`: what a fill ends with, and who may share it.
//! - `single_flight`: one fill per id at a time. `lease_wait`: how long a read waits behind who is at work.
//! - `repair`: invalidations that the cache could not be given in time are made up for.
//! - `invalidator`: gives the cache what the change stream tells, many ids at a time.
//! - `identity`: which store a process caches. `pace`: whether a change stream keeps up.
//! - `failpoints`: guards that a test build can switch off, to show that the checker notices.
//! - `breaker`: what fails again and again is left alone for a while. `backoff`: the pause before the next attempt.
//! - `background`: tasks that live as long as their owner. `clock`: the clock that cells are dated by.
//! - `skew`: what the log says of clocks that are apart. [`mod@trace`]: the steps of reads and writes, told to whoever traces them.

pub mod access_files;
pub mod audit;
mod backend;
mod background;
mod backoff;
mod batch_size;
mod breaker;
pub mod builder;
pub mod cell;
mod certificate_problem;
pub mod change_stream;
mod clock;
pub mod cluster_url;
pub mod connect_error;
mod contention;
mod counters;
mod distinct;
pub mod engine;
pub mod error;
pub mod events;
mod failpoints;
mod fill;
mod freshness;
mod hot_ids;
mod identity;
pub mod inspect;
mod invalidator;
pub mod key;
mod l1;
mod lead;
pub mod lease;
mod lease_wait;
mod load;
mod load_queue;
pub mod options;
pub mod outcome;
mod pace;
pub mod peers;
mod put;
mod put_loaded;
pub mod read;
pub mod read_many;
mod read_rates;
pub mod redis_url;
mod repair;
pub mod rules;
mod sample;
mod single_flight;
mod skew;
mod slot;
mod slot_map;
pub mod source;
pub mod stats;
mod timeline;
pub mod trace;
pub mod typed;
pub mod typed_source;
pub mod url;
mod validity;
mod warmer;
pub mod warming;
pub mod write;

pub use access_files::{AccessFiles, FileError, FileRole};
pub use builder::Builder;
pub use change_stream::{Change, ChangeSource, ChangeStream};
pub use cluster_url::ClusterUrl;
pub use connect_error::ConnectError;
pub use engine::{CacheAside, Health};
pub use error::{ReadError, StartError, WriteError};
pub use key::key;
pub use options::{Options, WritePolicy};
pub use outcome::{Answer, Detail, Entry, Outcome, ReadOptions};
pub use read_rates::HotId;
pub use redis_url::RedisUrl;
pub use source::{Loaded, Source};
pub use stats::{BreakerState, Stats};
pub use typed::Typed;
#[cfg(feature = "json")]
pub use typed_source::Json;
pub use typed_source::{Codec, Encoded, ManyLoaded, TypedError, TypedSource, Versioned};
pub use url::{CacheUrl, CacheUrlError};
pub use warming::{HotIdStore, Warming};
pub use write::{Commit, Published, Written};

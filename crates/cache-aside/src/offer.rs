//! What is put into the cache for what the store gave. A cell is as old as the access to the store that it came from.

use std::time::Instant;

use bytes::Bytes;

use crate::cache::Put;
use crate::cell::{Cell, Kind, MAX_VERSION};
use crate::engine::CacheAside;
use crate::freshness::now_ms;
use crate::options::jittered_ms;
use crate::source::{Loaded, Source};

/// When an access to the store began. A cell is as old as that: what happened since may not be in it.
pub(crate) struct Began {
    at: Instant,
    at_ms: u64,
}

impl Began {
    pub(crate) fn now() -> Self {
        Self { at: Instant::now(), at_ms: now_ms() }
    }
}

impl<S: Source> CacheAside<S> {
    /// The cell to be put for what the store gave.
    pub(crate) fn put_of(&self, loaded: &Loaded, began: &Began) -> Put {
        let options = self.options();
        let jitter = rand::random::<f64>();
        let (kind, version, body, kept) = match loaded {
            Loaded::Value { version, body } => (Kind::Value, *version, body.clone(), options.fresh + options.keep),
            Loaded::Absent => (Kind::Absent, 0, Bytes::new(), options.absent),
        };
        let cell = Cell {
            kind,
            version: version.min(MAX_VERSION),
            filled_at_ms: began.at_ms,
            cost_us: u32::try_from(began.at.elapsed().as_micros()).unwrap_or(u32::MAX),
            body,
        };
        Put { cell, ttl_ms: jittered_ms(kept, jitter) }
    }
}

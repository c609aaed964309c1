//! `Warming`: how an empty cache is filled, where the ids that are read most are kept, and how far that is. Who does it is the
//! `warmer`.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::stats::WarmingStats;

/// How an empty cache is filled: see [`crate::Builder::warm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warming {
    /// How many of the ids that are read most are kept in mind, and loaded into a cache that is empty.
    pub ids: usize,
    /// How many of them are loaded in a second at most.
    pub rate: u32,
}

impl Default for Warming {
    fn default() -> Self {
        Self { ids: 10_000, rate: 2_000 }
    }
}

/// Where the ids that are read most are kept, so that a process that starts knows them.
pub trait HotIdStore: Send + Sync + 'static {
    /// Why they could not be kept.
    type Error: std::error::Error + Send + Sync + 'static;

    /// What was saved last, in its order; nothing if nothing was.
    fn load(&self) -> impl Future<Output = Result<Vec<String>, Self::Error>> + Send;

    /// Keeps these ids, the hottest first, in the place of the last ones.
    fn save(&self, ids: &[String]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// They end with the process.
pub(crate) struct NotKept;

impl HotIdStore for NotKept {
    type Error = std::convert::Infallible;

    async fn load(&self) -> Result<Vec<String>, Self::Error> {
        Ok(Vec::new())
    }

    async fn save(&self, _: &[String]) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// How far the warmer is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) running: AtomicBool,
    pub(crate) done: AtomicU64,
    pub(crate) of: AtomicU64,
    pub(crate) loaded: AtomicU64,
}

impl Progress {
    pub(crate) fn stats(&self) -> WarmingStats {
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        WarmingStats {
            running: self.running.load(Ordering::Relaxed),
            done: of(&self.done),
            of: of(&self.of),
            loaded: of(&self.loaded),
        }
    }
}

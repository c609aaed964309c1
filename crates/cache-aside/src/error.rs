//! What can go wrong, in terms of what the caller can do.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

/// The cache did not do what it was asked. Reads go to the store, writes go on.
#[derive(Debug, Clone, Error)]
pub enum CacheError {
    /// It failed before, and is left alone for a moment.
    #[error("the cache is left alone after repeated failures")]
    BreakerOpen,
    /// It did not answer in time.
    #[error("the cache did not answer within {0:?}")]
    Timeout(Duration),
    /// It cannot be reached, or answered with an error.
    #[error("the cache failed: {0}")]
    Redis(Arc<deadpool_redis::redis::RedisError>),
    /// No connection could be made.
    #[error("no connection to the cache: {0}")]
    Connect(Arc<deadpool_redis::PoolError>),
    /// The task that invalidated a cell ended without an answer: it panicked, or the process is shutting down.
    #[error("an invalidation was given up: its task panicked or the process is shutting down")]
    Abandoned,
    /// It answered with something that is none of ours.
    #[error("the cache holds a cell of another layout under {0}")]
    Layout(String),
}

impl CacheError {
    /// Whether the cache as a whole cannot be used, as against an error that concerns one key or one command.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::BreakerOpen | Self::Timeout(_) | Self::Connect(_) => true,
            Self::Redis(error) => !matches!(error.code(), Some("WRONGTYPE" | "OOM" | "NOPERM" | "ERR" | "NOSCRIPT")),
            Self::Abandoned | Self::Layout(_) => false,
        }
    }

    /// Whether a key of ours holds something of another type than ours.
    pub(crate) fn is_wrong_type(&self) -> bool {
        matches!(self, Self::Redis(error) if error.code() == Some("WRONGTYPE"))
    }

    /// Whether removing the cell and its lease does what a put or an invalidation could not: `DEL` takes keys of any type,
    /// and needs no memory (Redis manual, "Key eviction").
    pub(crate) fn is_mended_by_removal(&self) -> bool {
        matches!(self, Self::Redis(error) if matches!(error.code(), Some("WRONGTYPE" | "OOM")))
    }
}

/// Why a read has no answer. `E` is the store's own error.
#[derive(Debug, Clone, Error)]
pub enum ReadError<E: std::fmt::Debug> {
    /// The store failed, and the cache had nothing to answer with.
    #[error("the store failed")]
    Source(E),
    /// Too many reads wait for the store. Try again later.
    #[error("too many reads wait for the store")]
    Overloaded,
    /// Only the cache was to be asked, and it has no answer.
    #[error("the cache has no answer")]
    NotCached,
    /// The store's version is below the one that was asked for.
    #[error("the version asked for is not there yet")]
    TooOld,
    /// The task that read the store ended without an answer: it panicked, or the process is shutting down.
    #[error("the read was given up")]
    Abandoned,
}

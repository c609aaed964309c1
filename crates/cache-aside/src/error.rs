//! What can go wrong, in terms of what the caller can do.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::access_files::FileError;
use crate::connect_error::ConnectError;
use crate::source::Source;
use crate::url::CacheUrlError;

/// Why a cache did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The cache's URL is none that is understood.
    #[error("the cache's URL {0}")]
    Url(#[from] CacheUrlError),
    /// A file of [`crate::AccessFiles`] is no use.
    #[error(transparent)]
    File(#[from] FileError),
    /// A cache in Redis has no prefix, or one that cannot be part of a key.
    #[error("{0}")]
    Prefix(&'static str),
    /// An option is out of its range, or does not go with another one.
    #[error("{0}")]
    Options(String),
    /// Processes over another store use this prefix in this Redis right now.
    #[error(
        "the prefix {prefix} is in use for another store ({store}), whose values would be answered as if they were this one's: \
         choose another prefix"
    )]
    OtherStore {
        /// The prefix.
        prefix: String,
        /// Identity of the other store.
        store: String,
    },
    /// The builder was asked for something that this kind of cache does not have.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// Why a read has no answer. `E` is the store's own error; everybody who waited for a load shares it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The store failed, and the cache had nothing to answer with.
    Source(Arc<E>),
    /// The store did not answer within [`crate::Options::load_timeout`], and the cache had nothing to answer with.
    Timeout(Duration),
    /// [`crate::Source::load_many`] gave more or fewer answers than it was asked for.
    Mismatch {
        /// How many ids were asked for.
        asked: usize,
        /// How many answers were given.
        given: usize,
    },
    /// Too many reads wait for the store. Try again later.
    Overloaded,
    /// The store failed [`crate::Options::breaker_failures`] times in a row and is left alone for a moment, and the cache had
    /// nothing to answer with. Try again later.
    BreakerOpen,
    /// Only the cache was to be asked, and it has no answer.
    NotCached,
    /// The store's version is below the one that was asked for.
    TooOld,
    /// The task that read the store ended without an answer: it panicked, or the process is shutting down.
    Abandoned,
}

impl<E> ReadError<E> {
    /// Whether there is no answer of the store, for whatever reason, so that a value past its time may be answered instead.
    pub(crate) fn is_failed_load(&self) -> bool {
        match self {
            Self::Source(_)
            | Self::Timeout(_)
            | Self::Mismatch { .. }
            | Self::Overloaded
            | Self::BreakerOpen
            | Self::Abandoned => true,
            Self::NotCached | Self::TooOld => false,
        }
    }

    /// Whether the store as a whole is away, as against a read that we did not begin, or one value that it cannot give.
    pub(crate) fn is_outage<S: Source<Error = E>>(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::BreakerOpen => true,
            Self::Source(error) => S::is_outage(error),
            Self::Mismatch { .. } | Self::Overloaded | Self::Abandoned | Self::NotCached | Self::TooOld => false,
        }
    }
}

impl<E> Clone for ReadError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Source(error) => Self::Source(Arc::clone(error)),
            Self::Timeout(after) => Self::Timeout(*after),
            Self::Mismatch { asked, given } => Self::Mismatch { asked: *asked, given: *given },
            Self::Overloaded => Self::Overloaded,
            Self::BreakerOpen => Self::BreakerOpen,
            Self::NotCached => Self::NotCached,
            Self::TooOld => Self::TooOld,
            Self::Abandoned => Self::Abandoned,
        }
    }
}

impl<E> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(_) => f.write_str("the store failed"),
            Self::Timeout(after) => write!(f, "the store did not answer within {after:?}"),
            Self::Mismatch { asked, given } => write!(f, "load_many gave {given} answers for {asked} ids"),
            Self::Overloaded => f.write_str("too many reads wait for the store"),
            Self::BreakerOpen => f.write_str("the store is left alone for a moment after repeated failures"),
            Self::NotCached => f.write_str("the cache has no answer"),
            Self::TooOld => f.write_str("the version asked for is not there yet"),
            Self::Abandoned => f.write_str("the read was given up"),
        }
    }
}

impl<E: Error + 'static> Error for ReadError<E> {
    /// The store's error itself, so that it can be downcast.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Source(error) => Some(&**error),
            _ => None,
        }
    }
}

/// Why a write has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError<E: Error + 'static> {
    /// The commit said [`crate::Commit::Nothing`], [`crate::Commit::Unavailable`] or [`crate::Commit::Unknown`], and why.
    #[error("the store did not confirm the write")]
    Store(#[source] E),
    /// Nothing was written: the store failed [`crate::Options::breaker_failures`] times in a row and is left alone for a
    /// moment. Try again later.
    #[error("nothing was written: the store is left alone for a moment after repeated failures")]
    BreakerOpen,
    /// The commit panicked, or the process is shutting down: nobody knows whether the store holds the write.
    #[error("the write was given up half way: read before trying again")]
    Abandoned,
}

/// The cache did not do what it was asked. Reads go to the store, writes go on.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CacheError {
    /// The cache failed before, and is left alone for a moment.
    #[error("the cache is left alone after repeated failures")]
    BreakerOpen,
    /// The cache did not answer in time.
    #[error("the cache did not answer within {0:?}")]
    Timeout(Duration),
    /// The cache cannot be reached, or answered with an error.
    #[error("the cache failed: {0}")]
    Redis(Arc<deadpool_redis::redis::RedisError>),
    /// No connection could be made.
    #[error("no connection to the cache: {0}")]
    Connect(ConnectError),
    /// The connection goes to a primary that was replaced.
    #[error("another server is the primary now")]
    Moved,
    /// No server of the cluster is known to serve the slot.
    #[error("no server of the cluster serves the slot")]
    Unserved,
    /// The runtime that the read of the cache ran on has ended.
    #[error("the read of the cache was given up: the runtime that it ran on has ended")]
    Abandoned,
    /// The cache answered with something that is none of ours.
    #[error("the cache holds a cell of another layout under {0}")]
    Layout(String),
}

impl CacheError {
    /// Whether the cache as a whole cannot be used, as against an error that concerns one key or one command.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::BreakerOpen
            | Self::Timeout(_)
            | Self::Connect(_)
            | Self::Moved
            | Self::Unserved
            | Self::Abandoned => true,
            Self::Redis(error) => !matches!(
                error.code(),
                Some("WRONGTYPE" | "OOM" | "NOPERM" | "ERR" | "NOSCRIPT" | "MOVED" | "ASK" | "TRYAGAIN")
            ),
            Self::Layout(_) => false,
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

/// The error and the chain of its sources, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let (mut text, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

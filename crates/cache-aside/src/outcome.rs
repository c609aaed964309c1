//! What a read may ask for, and how it was answered.

use bytes::Bytes;

/// What a reader asks for besides the id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Read the store whatever the cache holds, and fill the cache (HTTP `Cache-Control: no-cache`).
    pub refetch: bool,
    /// Do not read the store: [`crate::ReadError::NotCached`] if the cache has no answer (HTTP `only-if-cached`).
    pub only_if_cached: bool,
    /// The answer must be of this version or above, or it is [`crate::ReadError::TooOld`]; 0 asks for nothing.
    pub min_version: u64,
}

impl ReadOptions {
    /// Reads the store whatever the cache holds.
    #[must_use]
    pub fn refetch() -> Self {
        Self { refetch: true, ..Self::default() }
    }

    /// Asks the cache only.
    #[must_use]
    pub fn only_if_cached() -> Self {
        Self { only_if_cached: true, ..Self::default() }
    }

    /// Asks for this version or a later one.
    #[must_use]
    pub fn at_least(min_version: u64) -> Self {
        Self { min_version, ..Self::default() }
    }
}

/// Where an answer came from. The words are those of logs, metrics and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// A fresh value from the cache.
    Hit,
    /// From the store, and the cache was filled or told.
    Miss,
    /// A value from the cache past its fresh time.
    Stale,
    /// The cache knew that there is nothing.
    Absent,
    /// From the store, past a cache that is off or did not answer.
    Bypass,
}

impl Outcome {
    /// The word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Absent => "absent",
            Self::Bypass => "bypass",
        }
    }
}

/// What else there is to say of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detail {
    /// The value was in this process (L1); not even Redis was asked.
    L1,
    /// The cache holds the value now.
    Stored,
    /// Several requests shared one read of the store (RFC 9211, `collapsed`), and the cache holds the value now.
    Collapsed,
    /// The cache is switched off.
    CacheOff,
    /// The cache did not answer.
    CacheError,
    /// The store did not answer; the cache still had an old value.
    StaleIfError,
}

/// A value and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Version of the value, as the store gave it.
    pub version: u64,
    /// Body of the value, as the store gave it and as it is answered.
    pub body: Bytes,
}

/// The answer to a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The value; `None` if there is none under the id.
    pub entry: Option<Entry>,
    /// Where the answer came from.
    pub outcome: Outcome,
    /// What else there is to say of the answer.
    pub detail: Option<Detail>,
    /// How long the answer stays fresh, milliseconds; negative if it is stale, 0 if it did not come from the cache.
    pub ttl_ms: i64,
}

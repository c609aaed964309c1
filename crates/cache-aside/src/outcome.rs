//! How a read was answered.

use bytes::Bytes;

/// Where an answer came from. The words are those of logs, metrics and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
pub enum Detail {
    /// It was in this process (L1); not even Redis was asked.
    L1,
    /// The cache holds it now.
    Stored,
    /// Several requests shared one read of the store (RFC 9211, `collapsed`), and the cache holds it now.
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
    /// As the store gave it.
    pub version: u64,
    /// As the store gave it, and as it is answered.
    pub body: Bytes,
}

/// The answer to a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The value; `None` if there is none under the id.
    pub entry: Option<Entry>,
    /// Where it came from.
    pub outcome: Outcome,
    /// What else there is to say.
    pub detail: Option<Detail>,
    /// How long it stays fresh, milliseconds; negative if it is stale. 0 if it did not come from the cache.
    pub ttl_ms: i64,
}

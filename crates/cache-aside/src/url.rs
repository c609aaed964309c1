//! `CacheUrl`: which cache, and where. Never shows a password.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

pub use crate::cluster_url::ClusterUrl;
pub use crate::redis_url::RedisUrl;

/// `redis://…`, `rediss://…`, `redis+sentinel://…`, `rediss+sentinel://…`, `redis+cluster://…`, `rediss+cluster://…`, `memory:`
/// or `none:`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheUrl {
    /// Redis, with or without TLS: one server, or the one that sentinels name.
    Redis(RedisUrl),
    /// A Redis Cluster, with or without TLS.
    Cluster(ClusterUrl),
    /// In this process.
    Memory,
    /// None: every read goes to the store.
    Off,
}

/// The text is no cache URL: what is allowed instead. Repeats no part of the text, which may be of a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CacheUrlError(pub(crate) &'static str);

impl CacheUrlError {
    /// What is allowed at all.
    pub(crate) const FORM: Self = Self(
        "must be redis://HOST[:PORT][/DB], rediss://… (TLS), redis+sentinel://HOST[:PORT],…/NAME[?db=DB], rediss+sentinel://…, \
         redis+cluster://HOST[:PORT],…, rediss+cluster://…, memory: or none: (DB is a number; USER:PASSWORD@ stands before the \
         first HOST, and in it / is %2F, # is %23, ? is %3F, @ is %40, : is %3A, % is %25)",
    );
}

impl FromStr for CacheUrl {
    type Err = CacheUrlError;

    fn from_str(text: &str) -> Result<Self, CacheUrlError> {
        match text {
            "memory:" => Ok(Self::Memory),
            "none:" => Ok(Self::Off),
            _ if ClusterUrl::is_meant(text) => text.parse().map(Self::Cluster),
            _ => text.parse().map(Self::Redis),
        }
    }
}

impl TryFrom<&str> for CacheUrl {
    type Error = CacheUrlError;

    fn try_from(text: &str) -> Result<Self, CacheUrlError> {
        text.parse()
    }
}

impl TryFrom<String> for CacheUrl {
    type Error = CacheUrlError;

    fn try_from(text: String) -> Result<Self, CacheUrlError> {
        text.parse()
    }
}

impl TryFrom<&String> for CacheUrl {
    type Error = CacheUrlError;

    fn try_from(text: &String) -> Result<Self, CacheUrlError> {
        text.parse()
    }
}

impl From<&CacheUrl> for CacheUrl {
    fn from(url: &CacheUrl) -> Self {
        url.clone()
    }
}

impl From<Infallible> for CacheUrlError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for CacheUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Off => f.write_str("none:"),
            Self::Redis(url) => fmt::Display::fmt(url, f),
            Self::Cluster(url) => fmt::Display::fmt(url, f),
        }
    }
}

impl fmt::Debug for CacheUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

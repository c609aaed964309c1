//! `CacheUrl`: which cache, and where. Never shows a password.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// `redis://…`, `rediss://…`, `memory:` or `none:`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheUrl {
    /// One Redis server, with or without TLS.
    Redis(url::Url),
    /// In this process.
    Memory,
    /// None: every read goes to the store.
    Off,
}

/// The text is no cache URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be redis://HOST[:PORT][/DB], rediss://HOST[:PORT][/DB], memory: or none:")]
pub struct CacheUrlError;

impl FromStr for CacheUrl {
    type Err = CacheUrlError;

    fn from_str(text: &str) -> Result<Self, CacheUrlError> {
        match text {
            "memory:" => return Ok(Self::Memory),
            "none:" => return Ok(Self::Off),
            _ => {}
        }
        let url = url::Url::parse(text).map_err(|_| CacheUrlError)?;
        match url.scheme() {
            "redis" | "rediss" if url.host_str().is_some_and(|host| !host.is_empty()) => Ok(Self::Redis(url)),
            _ => Err(CacheUrlError),
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
            Self::Redis(url) => {
                write!(f, "{}://", url.scheme())?;
                if !url.username().is_empty() || url.password().is_some() {
                    f.write_str("***@")?;
                }
                write!(f, "{}", url.host_str().unwrap_or_default())?;
                url.port().map_or(Ok(()), |port| write!(f, ":{port}"))?;
                f.write_str(url.path())
            }
        }
    }
}

impl fmt::Debug for CacheUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! `CacheUrl`: which cache, and where. Never shows a password.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// `redis://…`, `rediss://…`, `redis+cluster://…`, `memory:` or `none:`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheUrl {
    /// One Redis server, with or without TLS.
    Redis(url::Url),
    /// A Redis Cluster, by some of its servers, each with the user and the password that are for all.
    Cluster(Vec<url::Url>),
    /// In this process.
    Memory,
    /// None: every read goes to the store.
    Off,
}

/// The text is no cache URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be redis://HOST[:PORT][/DB], rediss://HOST[:PORT][/DB], redis+cluster://HOST[:PORT],HOST[:PORT],… (a cluster has no \
     DB, and no TLS here), memory: or none: (DB is a number; in a password / is %2F, \
     # is %23, ? is %3F, @ is %40)"
)]
pub struct CacheUrlError;

impl FromStr for CacheUrl {
    type Err = CacheUrlError;

    fn from_str(text: &str) -> Result<Self, CacheUrlError> {
        match text {
            "memory:" => return Ok(Self::Memory),
            "none:" => return Ok(Self::Off),
            _ => {}
        }
        if let Some(servers) = text.strip_prefix("redis+cluster://") {
            return cluster(servers);
        }
        let url = url::Url::parse(text).map_err(|_| CacheUrlError)?;
        match url.scheme() {
            // A path that is no number is the rest of a password with a slash in it: shown anywhere, it would be no secret.
            "redis" | "rediss" if has_host(&url) && is_database(url.path()) => Ok(Self::Redis(url)),
            _ => Err(CacheUrlError),
        }
    }
}

/// `[USER[:PASSWORD]@]HOST[:PORT],HOST[:PORT],…`
fn cluster(servers: &str) -> Result<CacheUrl, CacheUrlError> {
    let (user, servers) = servers.rsplit_once('@').map_or(("", servers), |(user, servers)| (user, servers));
    let servers = servers.strip_suffix('/').unwrap_or(servers);
    let at = if user.is_empty() { "" } else { "@" };
    let urls = servers.split(',').map(|server| {
        let url = url::Url::parse(&format!("redis://{user}{at}{server}")).map_err(|_| CacheUrlError)?;
        let is_server = has_host(&url) && url.path().is_empty() && url.query().is_none() && url.fragment().is_none();
        if is_server { Ok(url) } else { Err(CacheUrlError) }
    });
    Ok(CacheUrl::Cluster(urls.collect::<Result<_, _>>()?))
}

fn has_host(url: &url::Url) -> bool {
    url.host_str().is_some_and(|host| !host.is_empty())
}

fn is_database(path: &str) -> bool {
    let number = path.strip_prefix('/').unwrap_or(path);
    number.is_empty() || number.parse::<u16>().is_ok()
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
            Self::Cluster(servers) => {
                f.write_str("redis+cluster://")?;
                for (at, url) in servers.iter().enumerate() {
                    match at {
                        0 if !url.username().is_empty() || url.password().is_some() => f.write_str("***@")?,
                        0 => {}
                        _ => f.write_str(",")?,
                    }
                    write!(f, "{}", url.host_str().unwrap_or_default())?;
                    url.port().map_or(Ok(()), |port| write!(f, ":{port}"))?;
                }
                Ok(())
            }
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

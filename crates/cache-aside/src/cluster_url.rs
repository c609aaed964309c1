//! `ClusterUrl`: some servers of a Redis Cluster and as whom all of them are asked, read from the URL of the cache.

use std::fmt;
use std::str::FromStr;

use crate::redis_url::{Address, Login, RedisUrl, SERVER_PORT, Servers};
use crate::url::CacheUrlError;

const PLAIN: &str = "redis+cluster://";
const TLS: &str = "rediss+cluster://";

/// Some servers of a Redis Cluster, and as whom all of them are asked.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterUrl {
    pub(crate) tls: bool,
    pub(crate) addresses: Vec<Address>,
    pub(crate) login: Login,
}

impl ClusterUrl {
    /// Whether a text is meant as one, right or wrong.
    pub(crate) fn is_meant(text: &str) -> bool {
        text.starts_with(PLAIN) || text.starts_with(TLS)
    }

    /// One of the servers, by itself.
    pub(crate) fn server(&self, at: Address) -> RedisUrl {
        RedisUrl { tls: self.tls, servers: Servers::One(at), login: self.login.clone(), database: 0 }
    }
}

impl FromStr for ClusterUrl {
    type Err = CacheUrlError;

    fn from_str(text: &str) -> Result<Self, CacheUrlError> {
        if text.contains(char::is_control) {
            return Err(CacheUrlError("must not have tabs, line ends or other control characters in it"));
        }
        let (tls, rest) = match (text.strip_prefix(PLAIN), text.strip_prefix(TLS)) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => return Err(CacheUrlError::FORM),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // What stands there may be the rest of a password: it is not repeated.
        if rest.contains(['/', '?', '#']) {
            return Err(CacheUrlError(
                "must end with the servers of the cluster: redis+cluster://HOST[:PORT],… (a cluster has no databases and no \
                 options; in a password / is %2F, ? is %3F, # is %23)",
            ));
        }
        let (login, hosts) = rest.rsplit_once('@').map_or((None, rest), |(login, hosts)| (Some(login), hosts));
        let login = login.map(Login::read).transpose()?.unwrap_or_default();
        let addresses = hosts.split(',').map(|host| Address::read(host, SERVER_PORT)).collect::<Option<_>>();
        Ok(Self { tls, addresses: addresses.ok_or(CacheUrlError::FORM)?, login })
    }
}

impl fmt::Display for ClusterUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = if self.login.is_given() { "***@" } else { "" };
        let addresses: Vec<String> = self.addresses.iter().map(|address| address.shown(SERVER_PORT)).collect();
        write!(f, "{}{login}{}", if self.tls { TLS } else { PLAIN }, addresses.join(","))
    }
}

impl fmt::Debug for ClusterUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

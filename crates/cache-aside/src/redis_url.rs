//! `RedisUrl`: where a Redis is and as whom it is asked, read from the URL of the cache.
//!
//! Read here and not by a general parser of URLs: those know no list of hosts, drop tabs and line ends inside a password in
//! silence, and their errors do not know which part may be secret.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::url::CacheUrlError;

/// Port of a server that the URL gives none.
pub(crate) const SERVER_PORT: u16 = 6379;
/// The same of a sentinel.
const SENTINEL_PORT: u16 = 26379;
/// What stands percent-encoded in a path (URL Standard, "path percent-encode set"), and the `%` itself.
const ENCODED_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Where a Redis is, and as whom it is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(crate) tls: bool,
    pub(crate) servers: Servers,
    pub(crate) login: Login,
    /// Number of the database.
    pub(crate) database: u16,
}

/// Which servers.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Servers {
    /// The one at this address.
    One(Address),
    /// The primary that sentinels name.
    Watched(Sentinels),
}

/// Who knows where the primary is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sentinels {
    pub(crate) addresses: Vec<Address>,
    /// What they call the primary and its replicas.
    pub(crate) name: String,
    pub(crate) login: Login,
}

/// User name and password. Shows neither.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

/// Host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    /// A name, or an IP address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl RedisUrl {
    /// Whether sentinels are asked where the primary is.
    pub fn has_sentinels(&self) -> bool {
        matches!(self.servers, Servers::Watched(_))
    }
}

impl FromStr for RedisUrl {
    type Err = CacheUrlError;

    fn from_str(text: &str) -> Result<Self, CacheUrlError> {
        if text.contains(char::is_control) {
            return Err(CacheUrlError("must not have tabs, line ends or other control characters in it"));
        }
        let (scheme, rest) = text.split_once("://").ok_or(CacheUrlError::FORM)?;
        let (tls, watched) = match scheme {
            "redis" => (false, false),
            "rediss" => (true, false),
            "redis+sentinel" => (false, true),
            "rediss+sentinel" => (true, true),
            _ => return Err(CacheUrlError::FORM),
        };
        if rest.contains('#') {
            return Err(CacheUrlError(
                "must not have a part behind #: there is no way to leave a certificate unchecked (in a password # is %23)",
            ));
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (login, hosts) =
            authority.rsplit_once('@').map_or((None, authority), |(login, hosts)| (Some(login), hosts));
        // What looks like a host, a name and an option may be a password with all of it.
        if login.is_none() && query.contains('@') {
            return Err(CacheUrlError(
                "has an @ behind the ?: write it as %40 (in a password / is %2F, ? is %3F and @ is %40)",
            ));
        }
        let login = login.map(Login::read).transpose()?.unwrap_or_default();
        let options = UrlOptions::read(query)?;
        let port = if watched { SENTINEL_PORT } else { SERVER_PORT };
        let addresses: Vec<Address> =
            hosts.split(',').map(|host| Address::read(host, port)).collect::<Option<_>>().ok_or(CacheUrlError::FORM)?;
        if watched {
            let sentinels = Login { user: options.sentinel_user, password: options.sentinel_password };
            let name = decoded(path)?;
            // No name has an `@`: it is the rest of a password, and what looks like a host is its begin.
            if name.is_empty() || name.contains(['/', '@']) {
                return Err(CacheUrlError(
                    "must name what the sentinels watch: redis+sentinel://HOST[:PORT],…/NAME[?db=DB] (in a password / is %2F and \
                     @ is %40)",
                ));
            }
            let servers = Servers::Watched(Sentinels { addresses, name, login: sentinels });
            return Ok(Self { tls, servers, login, database: options.database.unwrap_or(0) });
        }
        if options.sentinel_user.is_some() || options.sentinel_password.is_some() {
            return Err(CacheUrlError(
                "has an option for sentinels, but is for one server: begin it with redis+sentinel://",
            ));
        }
        let [address] = <[Address; 1]>::try_from(addresses).map_err(|_| {
            CacheUrlError("must have one host (several are sentinels: redis+sentinel://HOST[:PORT],…/NAME)")
        })?;
        // A path that is no number is the rest of a password with a slash in it: shown anywhere, it would be no secret.
        let database = match (path, options.database) {
            ("", database) => database.unwrap_or(0),
            (path, None) => path.parse().map_err(|_| CacheUrlError::FORM)?,
            (_, Some(_)) => return Err(CacheUrlError("must name the database once: /DB or ?db=DB")),
        };
        Ok(Self { tls, servers: Servers::One(address), login, database })
    }
}

/// What stands behind the `?`.
#[derive(Default)]
struct UrlOptions {
    database: Option<u16>,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
}

impl UrlOptions {
    fn read(query: &str) -> Result<Self, CacheUrlError> {
        let mut options = Self::default();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let again = match name {
                "db" => {
                    let number =
                        value.parse().map_err(|_| CacheUrlError("has the option db, which must be a number: ?db=3"))?;
                    options.database.replace(number).is_some()
                }
                "sentinel_user" => options.sentinel_user.replace(filled(value)?).is_some(),
                "sentinel_password" => options.sentinel_password.replace(filled(value)?).is_some(),
                _ => {
                    return Err(CacheUrlError(
                        "knows the options db, and for sentinels sentinel_user and sentinel_password, and has another one behind \
                         the ? (in a password ? is %3F and & is %26)",
                    ));
                }
            };
            if again {
                return Err(CacheUrlError("has an option twice"));
            }
        }
        Ok(options)
    }
}

impl Login {
    pub(crate) fn read(text: &str) -> Result<Self, CacheUrlError> {
        let (user, password) = text.split_once(':').map_or((text, None), |(user, password)| (user, Some(password)));
        let given = |text: &str| (!text.is_empty()).then(|| decoded(text)).transpose();
        Ok(Self { user: given(user)?, password: given(password.unwrap_or_default())? })
    }

    pub(crate) fn is_given(&self) -> bool {
        self.user.is_some() || self.password.is_some()
    }
}

/// The value of an option that must not be empty.
fn filled(text: &str) -> Result<String, CacheUrlError> {
    if text.is_empty() { Err(CacheUrlError("has an option without a value")) } else { decoded(text) }
}

/// A `%` that begins no two hexadecimal digits stands for itself, as in every browser.
fn decoded(text: &str) -> Result<String, CacheUrlError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| CacheUrlError("must be UTF-8 also where it is percent-encoded"))
}

impl Address {
    /// `HOST` or `HOST:PORT`; an IPv6 address stands in brackets.
    pub(crate) fn read(text: &str, default_port: u16) -> Option<Self> {
        let end = text.rfind(']').map_or(0, |bracket| bracket + 1);
        let (host, port) = match text[end..].find(':') {
            Some(colon) => (&text[..end + colon], text[end + colon + 1..].parse().ok().filter(|port| *port > 0)?),
            None => (text, default_port),
        };
        let host = match url::Host::parse(host).ok()? {
            url::Host::Domain(name) => name,
            url::Host::Ipv4(address) => address.to_string(),
            url::Host::Ipv6(address) => address.to_string(),
        };
        Some(Self { host, port })
    }

    /// As a URL has it, where this port goes without saying.
    pub(crate) fn shown(&self, default_port: u16) -> String {
        let shown = self.to_string();
        let usual = format!(":{default_port}");
        shown.strip_suffix(&usual).map_or(shown.clone(), str::to_owned)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls { "s" } else { "" };
        let login = if self.login.is_given() { "***@" } else { "" };
        match &self.servers {
            Servers::One(address) => {
                write!(f, "redis{tls}://{login}{}/", address.shown(SERVER_PORT))?;
                if self.database == 0 { Ok(()) } else { write!(f, "{}", self.database) }
            }
            Servers::Watched(Sentinels { addresses, name, .. }) => {
                let addresses: Vec<String> = addresses.iter().map(|address| address.shown(SENTINEL_PORT)).collect();
                let name = utf8_percent_encode(name, ENCODED_IN_PATH);
                write!(f, "redis{tls}+sentinel://{login}{}/{name}", addresses.join(","))?;
                if self.database == 0 { Ok(()) } else { write!(f, "?db={}", self.database) }
            }
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! A MongoDB connection string: what of it is used, what is not, and how it is shown. An option that has no effect is never
//! dropped in silence.

use std::fmt;
use std::time::Duration;

use mongodb::options::ConnectionString as Parsed;

use crate::options::StoreOptions;

/// A MongoDB connection string (MongoDB manual, "Connection Strings").
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionString {
    /// As it was given, but for options that the driver does not know.
    usable: String,
    /// Everything but user name and password; none if it cannot be parsed, for then nobody knows where a password is.
    parts: Option<Parts>,
    options: Vec<(String, String)>,
    /// Whether there is an `@`, so that a part of it may be a password whatever it looks like.
    has_user: bool,
    /// Whether user name and password end behind what looks like the begin of the options: one of them has a `?`
    /// (`mongodb://ada:se?cret@host`, `mongodb://ada:1/secret?@host`).
    is_torn: bool,
}

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    scheme: String,
    has_user: bool,
    hosts: String,
    database: Option<String>,
}

/// Options that the driver takes and that are used as they are given.
const HONOURED: &[&str] = &[
    "appname",
    "authmechanism",
    "authmechanismproperties",
    "authsource",
    "connecttimeoutms",
    "directconnection",
    "enableoverloadretargeting",
    "heartbeatfrequencyms",
    "journal",
    "loadbalanced",
    "maxadaptiveretries",
    "maxconnecting",
    "maxidletimems",
    "maxpoolsize",
    "minpoolsize",
    "replicaset",
    "retryreads",
    "retrywrites",
    "servermonitoringmode",
    "serverselectiontimeoutms",
    "srvmaxhosts",
    "srvservicename",
    "ssl",
    "tls",
    "tlsallowinvalidcertificates",
    "tlscafile",
    "tlscertificatekeyfile",
    "tlsinsecure",
];
/// Options whose loss would send data where the user does not want it: without them there is no connection.
const NEEDED: &[&str] = &["proxyhost", "proxypassword", "proxyport", "proxyusername", "tlscertificatekeyfilepassword"];
/// Options that the driver takes, but that have another value here, and which.
const OVERRIDDEN: &[(&str, &str, &str)] = &[
    ("readpreference", "primary", "reads go to the primary"),
    ("readpreferencetags", "", "reads go to the primary"),
    ("maxstalenessseconds", "", "reads go to the primary"),
    ("readconcernlevel", "majority", "reads see what a majority has"),
    ("w", "majority", "writes wait for a majority"),
    ("wtimeoutms", "", "operations have a deadline of their own"),
];
/// Options whose values may have an `@`; elsewhere it is the end of a password that looks like options.
const WITH_AT: &[&str] = &["appname", "authmechanismproperties", "tlscafile", "tlscertificatekeyfile"];
/// Options whose values may be secret.
const SECRET: &[&str] = &["authmechanismproperties", "proxypassword", "proxyusername", "tlscertificatekeyfilepassword"];

impl ConnectionString {
    pub(crate) fn new(text: &str) -> Self {
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let address = &ascii_login(address);
        let options: Vec<(String, String)> = query
            .split('&')
            .filter(|option| !option.is_empty())
            .map(|option| option.split_once('=').unwrap_or((option, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let known: Vec<_> = options.iter().filter(|(name, _)| is_for_the_driver(name)).collect();
        let known: Vec<_> = known.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let usable = if known.is_empty() { address.to_owned() } else { format!("{address}?{}", known.join("&")) };
        let authority = address.split_once("//").map_or(address.as_str(), |(_, rest)| rest);
        let may_have_at = |name: &str| WITH_AT.contains(&name.to_lowercase().as_str());
        let is_odd = |name: &str, value: &str| name.contains('@') || value.contains('@') && !may_have_at(name);
        let is_torn = !authority.contains(['/', '@']) && query.contains('@')
            || options.iter().any(|(name, value)| is_odd(name, value));
        let parsed = Parsed::parse(&usable).ok().filter(|_| !is_torn);
        let parts = parsed.map(|parsed| Parts::of(address, parsed.default_database)).filter(Parts::has_hosts);
        Self { usable, parts, options, has_user: text.contains('@'), is_torn }
    }

    pub(crate) fn has_user(&self) -> bool {
        self.has_user
    }

    /// Whether it would be taken for another one than it is.
    pub(crate) fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// The text for the driver.
    pub(crate) fn usable(&self) -> &str {
        &self.usable
    }

    /// The database that it names.
    pub fn database(&self) -> Option<&str> {
        self.parts.as_ref()?.database.as_deref()
    }

    /// The database that is used with these options: theirs, else the one named here, else `test`, as with every tool of
    /// MongoDB.
    pub(crate) fn database_with<'a>(&'a self, options: &'a StoreOptions) -> &'a str {
        options.database.as_deref().or(self.database()).unwrap_or("test")
    }

    /// Whether the value of an option has an `@`. It is used as it is, but then the whole may be meant as a user name and a
    /// password: `mongodb://ada:1/secret?appName=x@host`.
    fn has_at_in_options(&self) -> bool {
        self.options.iter().any(|(_, value)| value.contains('@'))
    }

    /// What may be shown, which is nothing where a password may be anywhere.
    fn showable(&self) -> Option<&Parts> {
        self.parts.as_ref().filter(|_| !self.has_at_in_options())
    }

    /// Without user name, password and options; with this database.
    pub(crate) fn shown(&self, database: Option<&str>) -> String {
        let Some(Parts { scheme, has_user, hosts, .. }) = self.showable() else {
            return format!("{}//***", self.usable.split("//").next().unwrap_or("mongodb:"));
        };
        let user = if *has_user { "***@" } else { "" };
        let database = database.map(|name| format!("/{name}")).unwrap_or_default();
        format!("{scheme}//{user}{hosts}{database}")
    }

    pub(crate) fn without_secrets(&self) -> String {
        let options: Vec<_> = self
            .options
            .iter()
            .map(|(name, value)| {
                let value = if SECRET.contains(&name.to_lowercase().as_str()) { "***" } else { value };
                format!("{name}={value}")
            })
            .collect();
        let address = self.shown(self.database());
        match options.is_empty() || self.showable().is_none() {
            true => address,
            // Older readers of connection strings want the slash.
            false if self.database().is_none() => format!("{address}/?{}", options.join("&")),
            false => format!("{address}?{}", options.join("&")),
        }
    }

    /// One line that names every option that has not the effect that its user may expect, or says why none is named.
    pub(crate) fn warning(&self, deadline: Duration) -> Option<String> {
        // What looks like an option may be the end of a password.
        if self.parts.is_none() && self.has_user {
            return None;
        }
        let problems: Vec<_> =
            self.options.iter().filter_map(|(name, value)| without_effect(name, value, deadline)).collect();
        if self.has_at_in_options() {
            let count = problems.len();
            return Some(format!(
                "an option of the connection string has an @: nothing of it is shown, for all of it may be a user name and a \
                 password; write their @ as %40 ({count} of its options have no effect, and are named then)"
            ));
        }
        if problems.is_empty() {
            return None;
        }
        Some(format!("of the connection string, these options have no effect: {}", problems.join(", ")))
    }
}

impl ConnectionString {
    /// One line if it bounds the pool of connections below what so many reads at one time, and so many connections for
    /// everything else, come to.
    pub(crate) fn pool_warning(&self, reads: usize, reserve: usize) -> Option<String> {
        let (name, size) = self.options.iter().rfind(|(name, _)| name.eq_ignore_ascii_case("maxPoolSize"))?;
        // The driver refuses 0.
        let size: usize = size.parse().ok().filter(|size| *size > 0 && *size < reads.saturating_add(reserve))?;
        Some(format!(
            "{name}={size} in the connection string is below {reads} reads at one time and {reserve} connections for writes, \
             change stream and probes: they wait for each other; leave it out, or raise it, or allow fewer reads"
        ))
    }
}

impl Parts {
    /// Of a text that the driver has parsed: a user name and password can hold neither `@` nor `/` then.
    fn of(address: &str, database: Option<String>) -> Self {
        let (scheme, rest) = address.split_once("//").unwrap_or(("mongodb:", address));
        let (user, after) = rest.rsplit_once('@').map_or((false, rest), |(_, after)| (true, after));
        let hosts = after.split('/').next().unwrap_or(after);
        Self { scheme: scheme.to_owned(), has_user: user, hosts: hosts.to_owned(), database }
    }

    /// Whether hosts are where they should be: the driver takes any text for one.
    fn has_hosts(&self) -> bool {
        !self.hosts.contains(|letter: char| letter.is_control() || letter.is_whitespace())
    }
}

/// With user name and password in ASCII, which mean the same: the driver panics at a `%` that a character beyond ASCII follows.
fn ascii_login(address: &str) -> String {
    let (login, hosts) = address.split_at(address.rfind('@').unwrap_or_default());
    format!("{}{hosts}", percent_encoding::utf8_percent_encode(login, percent_encoding::CONTROLS))
}

fn is_for_the_driver(name: &str) -> bool {
    let name = name.to_lowercase();
    let name = name.as_str();
    HONOURED.contains(&name) || NEEDED.contains(&name) || OVERRIDDEN.iter().any(|(known, ..)| *known == name)
}

fn without_effect(name: &str, value: &str, deadline: Duration) -> Option<String> {
    let lower = name.to_lowercase();
    if let Some((_, same, instead)) = OVERRIDDEN.iter().find(|(known, ..)| *known == lower) {
        let is_same = !same.is_empty() && value.eq_ignore_ascii_case(same);
        return (!is_same).then(|| format!("{name}={} ({instead})", value.escape_debug()));
    }
    if matches!(lower.as_str(), "serverselectiontimeoutms" | "connecttimeoutms") {
        let is_longer = value.parse().is_ok_and(|ms| Duration::from_millis(ms) > deadline);
        return is_longer.then(|| format!("{name}={} (the deadline is {deadline:?})", value.escape_debug()));
    }
    // The value of an option that nobody knows may be a secret.
    (!is_for_the_driver(name)).then(|| name.escape_debug().to_string())
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(self.database()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_below_what_is_needed_is_named() {
        for (options, named) in [
            ("", false),
            ("maxPoolSize=10", true),
            ("MAXPOOLSIZE=99", true),
            ("maxPoolSize=100", false),
            ("maxPoolSize=0", false),
            ("maxPoolSize=5&maxPoolSize=200", false),
            ("maxPoolSize=x", false),
        ] {
            let warning = ConnectionString::new(&format!("mongodb://h/?{options}")).pool_warning(64, 36);
            assert_eq!(warning.is_some(), named, "{options}: {warning:?}");
        }
    }

    #[test]
    fn every_option_has_its_effect_or_is_named_in_the_one_warning() {
        for (options, named) in [
            ("", &[][..]),
            ("retryWrites=false&w=majority&readPreference=primary&appName=x&journal=true&directConnection=true", &[]),
            ("authSource=admin&tls=true&tlsCAFile=/x&replicaSet=rs0&serverSelectionTimeoutMS=500", &[]),
            ("readPreference=secondaryPreferred&w=1", &["readPreference=secondaryPreferred", "w=1"]),
            ("readConcernLevel=local&wtimeoutMS=5", &["readConcernLevel=local", "wtimeoutMS=5"]),
            ("serverSelectionTimeoutMS=30000", &["serverSelectionTimeoutMS=30000 (the deadline is 4s)"]),
            ("compressors=zstd,snappy&zlibCompressionLevel=3", &["compressors", "zlibCompressionLevel"]),
            ("timeoutMS=5&socketTimeoutMS=1&nobody=hunter2", &["timeoutMS", "socketTimeoutMS", "nobody"]),
            ("readPreferenceTags=dc:a&readPreference=nearest", &["readPreferenceTags=dc:a", "readPreference=nearest"]),
        ] {
            let url = ConnectionString::new(&format!("mongodb://h/?{options}"));
            let warning = url.warning(Duration::from_secs(4)).unwrap_or_default();
            assert_eq!(warning.is_empty(), named.is_empty(), "{options}: {warning}");
            assert!(named.iter().all(|name| warning.contains(name)), "{options}: {warning}");
            assert!(!warning.contains("hunter2") && warning.lines().count() < 2, "{warning}");
            assert!(url.parts.is_some(), "the driver takes what is left: {}", url.usable());
        }
    }

    #[test]
    fn where_options_may_be_a_password_they_are_used_and_counted_but_not_named() {
        let url = ConnectionString::new("mongodb://h/hunter2?appName=a@b&hunter2=1&timeoutMS=5");
        let warning = url.warning(Duration::from_secs(4)).unwrap_or_default();
        assert!(warning.contains("as %40 (2 of its options") && !warning.contains("hunter2"), "{warning}");
        assert_eq!((url.database(), url.usable()), (Some("hunter2"), "mongodb://h/hunter2?appName=a@b"));
    }
}

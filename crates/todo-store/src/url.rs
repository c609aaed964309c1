//! `StoreUrl`: which store and where. Never shows a password.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::connection_string::ConnectionString;
use crate::options::StoreOptions;

/// Where the todos are: `mongodb://…`, `mongodb+srv://…` or `redb:PATH`.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A MongoDB connection string, as the driver takes it.
    Mongo(ConnectionString),
    /// The file of the embedded store.
    Embedded(PathBuf),
}

/// The text is no store URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be mongodb://HOST[:PORT], mongodb+srv://HOST or redb:PATH")]
pub struct StoreUrlError;

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, StoreUrlError> {
        match text.split_once(':') {
            Some(("mongodb" | "mongodb+srv", rest)) if rest.len() > 2 && rest.starts_with("//") => {
                Ok(Self::Mongo(ConnectionString::new(text)))
            }
            Some(("redb", path)) if !path.is_empty() => Ok(Self::Embedded(PathBuf::from(path))),
            _ => Err(StoreUrlError),
        }
    }
}

impl StoreUrl {
    /// The place that is really used with these options, for messages: the database, and the collection if it is not the
    /// usual one.
    pub fn place(&self, options: &StoreOptions) -> String {
        match self {
            Self::Embedded(_) => self.to_string(),
            Self::Mongo(url) => {
                let place = url.shown(Some(url.database_with(options)));
                if options.collection == StoreOptions::default().collection {
                    return place;
                }
                format!("{place} (collection {})", options.collection)
            }
        }
    }

    /// The URL for a command line that is shown: with its options, but without user name, password and other secrets.
    pub fn without_secrets(&self) -> String {
        match self {
            Self::Embedded(_) => self.to_string(),
            Self::Mongo(url) => url.without_secrets(),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(path) => write!(f, "redb:{}", path.display()),
            Self::Mongo(url) => f.write_str(&url.shown(url.database())),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

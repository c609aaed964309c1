//! `StoreUrl`: which store and where. Never shows a password.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where the todos are: `mongodb://…`, `mongodb+srv://…` or `redb:PATH`.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A MongoDB connection string, as the driver takes it.
    Mongo(String),
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
                Ok(Self::Mongo(text.to_owned()))
            }
            Some(("redb", path)) if !path.is_empty() => Ok(Self::Embedded(PathBuf::from(path))),
            _ => Err(StoreUrlError),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(path) => write!(f, "redb:{}", path.display()),
            Self::Mongo(url) => {
                // Only the part before the path can carry credentials; a password may itself hold an `@`.
                let (scheme, rest) = url.split_once("//").unwrap_or(("mongodb:", url));
                let authority = rest.split(['/', '?']).next().unwrap_or(rest);
                match rest.rfind('@').map(|at| &rest[at + 1..]) {
                    Some(after) => write!(f, "{scheme}//***@{}", after.split(['?']).next().unwrap_or(after)),
                    None => write!(f, "{scheme}//{authority}"),
                }
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

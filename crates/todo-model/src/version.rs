//! `Version`: which write of a todo this is.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A todo's version. The store sets it; for one id it never comes twice and never goes back, also over a delete and a
/// new create. Below 2^53, so that Lua and JavaScript numbers hold it exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version of a document that another program wrote and that has none.
    pub const UNVERSIONED: Version = Version(0);
    /// The highest version there can be: 2^53 - 1.
    pub const MAX: Version = Version((1 << 53) - 1);
    /// Versions per second of the clock they are taken from.
    pub const PER_SECOND: u64 = 1 << 20;

    /// The first version of the second that `time` lies in, on the scale of every store: `2^20 * seconds since 1970`.
    pub fn at(time: SystemTime) -> Version {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Version(seconds * Self::PER_SECOND)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

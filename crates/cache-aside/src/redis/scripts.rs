//! The scripts, and how they are called.

use std::sync::LazyLock;

use deadpool_redis::redis::{Cmd, cmd};

/// A Lua script and its digest, under which Redis remembers it.
pub(crate) struct Script {
    text: &'static str,
    digest: LazyLock<String>,
}

macro_rules! script {
    ($file:literal) => {
        Script {
            text: include_str!($file),
            digest: LazyLock::new(|| deadpool_redis::redis::Script::new(include_str!($file)).get_hash().to_owned()),
        }
    };
}

pub(crate) static PUT: Script = script!("put.lua");
pub(crate) static INVALIDATE: Script = script!("invalidate.lua");
pub(crate) static DROP: Script = script!("drop.lua");
pub(crate) static RELEASE: Script = script!("release.lua");

/// How a script is named to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By its digest; Redis says NOSCRIPT if it does not know it (restarted, or scripts flushed).
    Digest,
    /// By its text, which Redis then remembers.
    Text,
}

impl Script {
    /// The call of this script with these keys and arguments.
    pub(crate) fn call(&self, by: By, keys: &[&str], args: &[&[u8]]) -> Cmd {
        let mut call = match by {
            By::Digest => cmd("EVALSHA").arg(self.digest.as_str()).to_owned(),
            By::Text => cmd("EVAL").arg(self.text).to_owned(),
        };
        call.arg(keys.len()).arg(keys).arg(args);
        call
    }
}

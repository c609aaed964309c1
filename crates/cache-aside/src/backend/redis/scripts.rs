//! The scripts, and how they are called.

use std::borrow::Cow;
use std::sync::LazyLock;

use deadpool_redis::redis::{Cmd, Value, cmd};

use crate::failpoints::{self, Guard};

/// A Lua script and its digest, under which Redis remembers it.
pub(crate) struct Script {
    text: LazyLock<Cow<'static, str>>,
    digest: LazyLock<String>,
}

macro_rules! script {
    ($file:literal) => {
        Script {
            text: LazyLock::new(|| guarded(include_str!($file))),
            digest: LazyLock::new(|| {
                deadpool_redis::redis::Script::new(&guarded(include_str!($file))).get_hash().to_owned()
            }),
        }
    };
}

pub(crate) static PUT: Script = script!("put.lua");
pub(crate) static INVALIDATE: Script = script!("invalidate.lua");
pub(crate) static CLAIM: Script = script!("claim.lua");
pub(crate) static ADOPT: Script = script!("adopt.lua");
pub(crate) static ADOPT_PART: Script = script!("adopt_part.lua");
pub(crate) static INVALIDATE_BEFORE: Script = script!("invalidate_before.lua");
pub(crate) static LEASE: Script = script!("lease.lua");
pub(crate) static LEAD: Script = script!("lead.lua");
pub(crate) static REMOVE: Script = script!("remove.lua");
pub(crate) static WRITE: Script = script!("write.lua");
pub(crate) static RELEASE: Script = script!("release.lua");
pub(crate) static RESIGN: Script = script!("resign.lua");

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
            By::Text => cmd("EVAL").arg(&**self.text).to_owned(),
        };
        call.arg(keys.len()).arg(keys).arg(args);
        call
    }
}

/// What each guard is in the text of the scripts, and what stands there without it.
const GUARDS: [(Guard, &str, &str); 4] = [
    (Guard::Token, "string.sub(entry, 1, 16) == token", "token ~= ''"),
    (Guard::LeaseNotes, "rest .. noted(entry)", "rest .. entry"),
    (Guard::VersionTest, "version >= floor and version >= cell_version", "true"),
    (Guard::Clock, "redis.pcall('TIME')", "{ err = 'the clock of the node' }"),
];

/// The script as it is, but for guards that a test build switches off.
fn guarded(text: &'static str) -> Cow<'static, str> {
    GUARDS
        .iter()
        .filter(|(guard, ..)| failpoints::is_off(*guard))
        .fold(Cow::Borrowed(text), |text, (_, guard, without)| text.replace(guard, without).into())
}

/// Whether Redis does not know the script by its digest.
pub(super) fn is_unknown(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.code() == "NOSCRIPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guard_of_the_scripts_is_a_text_in_one() {
        let scripts = [include_str!("put.lua"), include_str!("invalidate.lua"), include_str!("adopt.lua")];
        for (guard, text, _) in GUARDS {
            assert!(scripts.iter().any(|script| script.contains(text)), "{guard:?} is nowhere");
        }
    }
}

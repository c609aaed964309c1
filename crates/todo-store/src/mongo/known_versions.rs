//! Which versions are new. All come from one clock, so that a new one is above those of every event before, and a copied
//! one is not.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use mongodb::bson::Timestamp;
use todo_model::{TodoId, Version};

use super::clock::version_at;

/// Ids that share a slot take each other's versions for their own: a new version of one may then count as a copy, which
/// costs a read of the store.
const SLOTS: usize = 1 << 16;
/// How far before its commit a write may have taken its version from the clock.
const WRITING: Duration = Duration::from_secs(10);

/// The highest version that was seen, for each slot of ids.
pub(crate) struct KnownVersions {
    highest: Vec<Version>,
    hasher: RandomState,
}

impl KnownVersions {
    /// Versions up to `clock`, at which the watch began, may be copies of what was not seen.
    pub(crate) fn since(clock: Version) -> Self {
        Self { highest: vec![clock; SLOTS], hasher: RandomState::new() }
    }

    /// Whether the id surely never had this version before this event; notes it.
    pub(crate) fn is_new(&mut self, id: &TodoId, version: Version, committed: Option<Timestamp>) -> bool {
        // Above the clock it is none of this server's.
        let Some(committed) = committed.filter(|at| version <= version_at(*at)) else { return false };
        let slot = &mut self.highest[self.hasher.hash_one(id.as_str()) as usize % SLOTS];
        let new = version > *slot;
        *slot = version.max(*slot);
        new && version.0 >= earliest(committed)
    }
}

fn earliest(committed: Timestamp) -> u64 {
    u64::from(committed.time).saturating_sub(WRITING.as_secs()) * Version::PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn is_new(seen: &mut KnownVersions, version: u64) -> bool {
        let id: TodoId = "1".parse().expect("an id");
        seen.is_new(&id, Version(version), Some(Timestamp { time: SECOND as u32, increment: 5 }))
    }

    #[test]
    fn a_version_is_new_once_and_never_below_one_that_was_seen() {
        let mut seen = KnownVersions::since(Version((SECOND - 5) * Version::PER_SECOND));
        let now = SECOND * Version::PER_SECOND;
        assert!(is_new(&mut seen, now + 2));
        assert!(!is_new(&mut seen, now + 2), "a copy");
        assert!(!is_new(&mut seen, now + 1), "a copy of an older one");
        assert!(is_new(&mut seen, now + 3));
    }

    #[test]
    fn a_version_above_the_clock_is_nobodys_and_forgotten() {
        let mut seen = KnownVersions::since(Version(0));
        let now = SECOND * Version::PER_SECOND;
        assert!(!is_new(&mut seen, now + 3_600 * Version::PER_SECOND), "of a server whose clock is ahead");
        assert!(!is_new(&mut seen, now + 6), "committed before it can have been given");
        assert!(is_new(&mut seen, now + 5));
    }

    #[test]
    fn what_may_have_been_used_before_the_watch_began_is_not_new() {
        let mut seen = KnownVersions::since(Version(SECOND * Version::PER_SECOND));
        assert!(!is_new(&mut seen, SECOND * Version::PER_SECOND));
        let mut seen = KnownVersions::since(Version(0));
        assert!(!is_new(&mut seen, (SECOND - 60) * Version::PER_SECOND), "a restored document");
        assert!(!is_new(&mut seen, 0), "none at all");
    }
}

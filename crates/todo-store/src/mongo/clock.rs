//! Versions come from the server's logical clock, and none above it counts: it is of another server's, or nobody's, and what
//! is written next would come out below it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mongodb::ClientSession;
use mongodb::bson::{Timestamp, serialize_to_document};
use todo_model::Version;

use super::MongoStore;
use super::updates::Clock;

/// How far the wall clock of a standalone server may be ahead of what this process takes it for.
const WALL_CLOCKS_APART: Duration = Duration::from_secs(60);
/// A version that was reached longer ago looks like a copy to who follows the changes
/// ([`KnownVersions`](super::known_versions::KnownVersions)), and then costs a load.
const LATELY: Duration = Duration::from_secs(4);

/// A version that the clock has surely reached. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reached(Arc<AtomicU64>);

impl Reached {
    pub(crate) fn version(&self) -> Version {
        Version(self.0.load(Ordering::Acquire))
    }

    fn raise(&self, to: Version) {
        self.0.fetch_max(to.0, Ordering::AcqRel);
    }
}

/// The highest version that can have been given by this moment.
pub(crate) fn version_at(time: Timestamp) -> Version {
    Version(u64::from(time.time) * Version::PER_SECOND + u64::from(time.increment))
}

impl MongoStore {
    /// The version as it counts: none if it is above the clock as the server had it after the document was read over this
    /// session. What the server gave was at most its clock, which the write itself made tick.
    pub(super) fn counted(&self, version: Version, session: &ClientSession) -> Version {
        if version <= self.reached.version() || version <= self.learn(session) { version } else { Version::UNVERSIONED }
    }

    /// A version that the server's logical clock has reached, and not long ago; `None` if none is known.
    pub(super) fn reached_lately(&self) -> Option<Version> {
        let reached = self.reached.version();
        (reached.0 + LATELY.as_secs() * Version::PER_SECOND >= self.now().0).then_some(reached)
    }

    /// The clock as of the last answer over this session.
    pub(super) fn learn(&self, session: &ClientSession) -> Version {
        if self.clock == Clock::Wall {
            return Version(self.now().0 + WALL_CLOCKS_APART.as_secs() * Version::PER_SECOND);
        }
        // The driver keeps the time itself to itself.
        let time = session.cluster_time().and_then(|time| serialize_to_document(time).ok());
        match time.and_then(|time| time.get_timestamp("clusterTime").ok()) {
            Some(time) => {
                self.reached.raise(version_at(time));
                version_at(time)
            }
            // A server that does not say has none that could be passed.
            None => Version::MAX,
        }
    }
}

//! Guards that a test build can switch off, and points at which it can wait, so that a checker can show that it notices.
//!
//! Without the feature `teeth` every guard is on, known at compile time, and every pause is nothing. With it,
//! `TODO_TEETH` names the guards to switch off (`token,put-before-answer`), `TODO_TEETH_DELAY` the points at which to wait for a
//! random time up to so many milliseconds (`after-load:20,before-publish:5`), which makes rare races common, and `TODO_TEETH_CLOCK`
//! how far the node's wall clock is ahead (`+300s`) or behind (`-300s`).

#[cfg(not(feature = "teeth"))]
use crate::source::Loaded;

#[cfg(all(feature = "teeth", not(debug_assertions)))]
compile_error!("the feature `teeth` takes guards away: it is for test builds, never for a release");

/// What keeps a race from happening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Only who has an entry in the lease stores.
    Token,
    /// A writer enters the lease before it commits.
    LeaseBeforeCommit,
    /// Every fill and every write has a token of its own.
    TokenPerFill,
    /// An entry of a lease notes what others have put since it was made.
    LeaseNotes,
    /// Nothing is stored below the version of the cell.
    VersionTest,
    /// What is read from the store passes the put before it is answered.
    PutBeforeAnswer,
    /// Who joined a flight when its load had begun shares the result only if it was stored: nobody put anything newer.
    ShareOnlyIfStored,
    /// And only if no validity moment came since the load began.
    ShareOnlyIfValid,
    /// L1 takes nothing whose read began before an invalidation.
    L1Record,
    /// Cells and moments are dated by the clock of Redis, not by that of a node.
    Clock,
    /// Of a query for many ids, each id gets what was found for it.
    #[cfg(feature = "teeth")]
    BatchIds,
    /// And the version that belongs to it.
    #[cfg(feature = "teeth")]
    BatchVersions,
}

/// Where a race has its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// A reader has read the store, and has not put yet.
    AfterLoad,
    /// A writer has committed, and has not published yet.
    BeforePublish,
    /// A reader has read the cache, and has not inserted into L1 yet.
    BeforeL1,
    /// The store is being asked: what comes now waits for company.
    DuringLoad,
}

#[cfg(not(feature = "teeth"))]
pub(crate) const fn is_off(_: Guard) -> bool {
    false
}

#[cfg(not(feature = "teeth"))]
#[expect(clippy::unused_async, reason = "in a test build it waits")]
pub(crate) async fn pause(_: Point) {}

#[cfg(not(feature = "teeth"))]
pub(crate) const fn mix_up<E>(_: &mut [Result<Loaded, E>]) {}

/// How far the wall clock of this node is ahead of the machine's, milliseconds.
#[cfg(not(feature = "teeth"))]
pub(crate) const fn clock_offset_ms() -> i64 {
    0
}

#[cfg(feature = "teeth")]
pub(crate) use switches::{clock_offset_ms, is_off, mix_up, pause};

#[cfg(feature = "teeth")]
mod switches {
    use std::sync::LazyLock;
    use std::time::Duration;

    use super::{Guard, Point};
    use crate::source::Loaded;

    impl Guard {
        fn name(self) -> &'static str {
            match self {
                Self::Token => "token",
                Self::LeaseBeforeCommit => "lease-before-commit",
                Self::TokenPerFill => "token-per-fill",
                Self::LeaseNotes => "lease-notes",
                Self::VersionTest => "version-test",
                Self::PutBeforeAnswer => "put-before-answer",
                Self::ShareOnlyIfStored => "share-only-if-stored",
                Self::ShareOnlyIfValid => "share-only-if-valid",
                Self::L1Record => "l1-record",
                Self::Clock => "clock",
                Self::BatchIds => "batch-ids",
                Self::BatchVersions => "batch-versions",
            }
        }
    }

    impl Point {
        fn name(self) -> &'static str {
            match self {
                Self::AfterLoad => "after-load",
                Self::BeforePublish => "before-publish",
                Self::BeforeL1 => "before-l1",
                Self::DuringLoad => "during-load",
            }
        }
    }

    static OFF: LazyLock<String> = LazyLock::new(|| std::env::var("TODO_TEETH").unwrap_or_default());
    static CLOCK_OFFSET: LazyLock<i64> = LazyLock::new(|| {
        let seconds = std::env::var("TODO_TEETH_CLOCK").unwrap_or_default();
        seconds.trim_end_matches('s').parse::<i64>().unwrap_or_default() * 1_000
    });
    static DELAYS: LazyLock<String> = LazyLock::new(|| std::env::var("TODO_TEETH_DELAY").unwrap_or_default());

    pub(crate) fn is_off(guard: Guard) -> bool {
        OFF.split(',').any(|name| name == guard.name())
    }

    pub(crate) fn clock_offset_ms() -> i64 {
        *CLOCK_OFFSET
    }

    /// Gives each id of a query what was found for the next one, or its version.
    pub(crate) fn mix_up<E>(loaded: &mut [Result<Loaded, E>]) {
        if is_off(Guard::BatchIds) && loaded.len() > 1 {
            loaded.rotate_left(1);
        }
        if is_off(Guard::BatchVersions) {
            let mut versions: Vec<&mut u64> = loaded
                .iter_mut()
                .filter_map(|one| match one {
                    Ok(Loaded::Value { version, .. }) => Some(version),
                    _ => None,
                })
                .collect();
            for at in 1..versions.len() {
                let (before, after) = versions.split_at_mut(at);
                std::mem::swap(before[at - 1], after[0]);
            }
        }
    }

    pub(crate) async fn pause(point: Point) {
        let delay = DELAYS.split(',').filter_map(|delay| delay.split_once(':')).find(|(name, _)| *name == point.name());
        let Some(up_to) = delay.and_then(|(_, milliseconds)| milliseconds.parse::<u64>().ok()) else { return };
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..=up_to))).await;
    }
}

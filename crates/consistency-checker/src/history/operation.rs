//! `Operation`: one request or foreign write, and what came of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

/// A moment of the run: nanoseconds since it began, by the one clock of the process that drives it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Moment(pub u64);

impl Moment {
    /// After every other moment: of operations that may still happen.
    pub const NEVER: Self = Self(u64::MAX);

    /// So much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// So much earlier, or the beginning.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Moment {
    /// In seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER {
            return f.pad("?");
        }
        f.pad(&format!("{}.{:06}", self.0 / 1_000_000_000, self.0 / 1_000 % 1_000_000))
    }
}

/// One process of the service. A node that is started again is another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Process {
    /// Which address.
    pub node: u32,
    /// Which start at that address, from 0.
    pub start: u32,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.start == 0 {
            format!("node {}", self.node)
        } else {
            format!("node {} (start {})", self.node, self.start + 1)
        };
        f.pad(&text)
    }
}

/// Names one write: it stands in the body that the write made, so that every body tells who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Marker(pub u64);

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}", self.0)
    }
}

impl Marker {
    /// The marker in a todo's name.
    pub fn in_name(name: &str) -> Option<Self> {
        name.strip_prefix('w')?.split(' ').next()?.parse().ok().map(Self)
    }
}

/// How a write is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `POST`.
    Post,
    /// Somebody else's update of name and description.
    ForeignUpdate,
    /// Somebody else's replacement of the whole todo, its version copied.
    ForeignReplace,
    /// Somebody else's insert.
    ForeignInsert,
}

/// What must hold for a write to happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// `If-None-Match: *`.
    Absent,
    /// `If-Match` with the tag of this version.
    Version(u64),
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// `GET`.
    Read {
        /// `Min-Version`; 0 if there was none.
        min_version: u64,
        /// `Cache-Control: no-cache`.
        no_cache: bool,
        /// `Cache-Control: only-if-cached`.
        only_if_cached: bool,
    },
    /// `GET` of many todos at once, of which this is one.
    ReadMany {
        /// How many were asked for.
        of: usize,
    },
    /// A todo whose body carries the marker.
    Write {
        /// How.
        verb: Verb,
        /// Which.
        marker: Marker,
        /// On what condition.
        condition: Condition,
    },
    /// A delete, by the service or past it.
    Delete {
        /// On what condition.
        condition: Condition,
    },
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A todo: read, or written.
    Value {
        /// As the `ETag` says; 0 of a foreign write.
        version: u64,
        /// Who wrote it, as its name says; `None` if it says nothing of the kind.
        marker: Option<Marker>,
        /// The body as it came, byte by byte; empty of a foreign write.
        body: Arc<str>,
        /// Of a write: whether there was nothing before. `None` if that is not known.
        created: Option<bool>,
    },
    /// Nothing there: 404 to a read, 204 to a delete.
    Absent,
    /// The write did not happen, for sure: 404, 409, 412.
    Refused,
    /// Nobody knows whether the write happened, or will.
    Unknown,
    /// The read got no answer.
    Failed,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// Who sent it.
    pub client: u32,
    /// Who answered; `None` if it went past the service into the database.
    pub process: Option<Process>,
    /// Just before it was sent.
    pub sent: Moment,
    /// Just after the answer was there, or was given up.
    pub received: Moment,
    /// Of which todo.
    pub id: Arc<str>,
    /// What was asked for.
    pub action: Action,
    /// What came back.
    pub outcome: Outcome,
    /// The HTTP status; 0 if there was none.
    pub status: u16,
    /// `Cache-Status` without the cache's name.
    pub cache_status: Arc<str>,
    /// What the service said about a request that it failed; empty of all others.
    pub problem: Arc<str>,
}

impl Operation {
    /// Whether it is an answer or an acknowledgement that others may rely on at once: the cache knew of it before it
    /// left. A deferred publish, an answer past a cache that failed, and what was never to be published are not.
    pub fn is_settled(&self) -> bool {
        // Reads of many at once count what they did: one of them went past the cache, and it is not said which.
        !["publish-deferred", "not-published", "cache-error", "cache-off", "bypass="]
            .iter()
            .any(|detail| self.cache_status.contains(detail))
    }

    /// Whether it changes the todo if it happens.
    pub fn is_write(&self) -> bool {
        matches!(self.action, Action::Write { .. } | Action::Delete { .. })
    }

    /// When the write had happened at the latest: [`Moment::NEVER`] if nobody knows.
    pub fn done_by(&self) -> Moment {
        if self.outcome == Outcome::Unknown { Moment::NEVER } else { self.received }
    }

    /// Of the write, or of the body that came back.
    pub fn marker(&self) -> Option<Marker> {
        match (&self.action, &self.outcome) {
            (Action::Write { marker, .. }, _) => Some(*marker),
            (_, Outcome::Value { marker, .. }) => *marker,
            _ => None,
        }
    }
}

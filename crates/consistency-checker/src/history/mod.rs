//! `History`: what every client sent and got back, and what was done to the servers meanwhile. Nothing is interpreted here.
//!
//! - [`operation`]: one request or foreign write, and what came of it.

pub mod operation;

use std::sync::Arc;

use serde::Serialize;

pub use self::operation::{Action, Condition, Marker, Moment, Operation, Outcome, Process, Verb};

/// What was done to the servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultMark {
    /// When it began.
    pub at: Moment,
    /// When it was over.
    pub until: Moment,
    /// What, in a few words.
    pub what: String,
    /// The only id that it touched, if it touched one only.
    pub id: Option<Arc<str>>,
}

/// A time in which less is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
    /// What is not promised.
    pub suspends: Suspends,
}

/// What a fault takes away while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suspends {
    /// Every bound on how old an answer may be: Redis is away, or came back as it was long ago.
    Everything,
    /// What rests on the change stream or on repairs alone: the process in charge may be the one that is away.
    Repairs,
}

/// What the cache held of an id at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellSample {
    /// When it was asked for.
    pub at: Moment,
    /// Of which todo.
    pub id: Arc<str>,
    /// How often Redis had lost its memory before.
    pub incarnation: u32,
    /// What it said.
    pub cell: CellSeen,
}

/// What a cell says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellSeen {
    /// There is none.
    Nothing,
    /// A value of this version, with this body.
    Value(u64, Arc<str>),
    /// Absence, at this version.
    Absent(u64),
    /// A floor.
    Tombstone(u64),
}

/// Version and body; `None`: nothing there.
pub type Said = Option<(u64, Arc<str>)>;

/// What everybody says of an id once all is quiet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastWord {
    /// Of which todo.
    pub id: Arc<str>,
    /// What the database holds: version and body.
    pub store: Said,
    /// What the cell says.
    pub cell: CellSeen,
    /// What each node answers: version and body.
    pub nodes: Vec<(Process, Said)>,
}

/// Everything that is known of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// In no order.
    pub operations: Vec<Operation>,
    /// In the order in which they were done.
    pub faults: Vec<FaultMark>,
    /// Times in which less is promised.
    pub windows: Vec<Window>,
    /// In the order in which they were taken.
    pub cells: Vec<CellSample>,
    /// Of every id, at the end.
    pub last_words: Vec<LastWord>,
}

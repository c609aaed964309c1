//! What there is: the store, one cell and its lease, who is at what, what is still to be heard.

use cache_aside::lease::Lease;
use cache_aside::rules::CellState;

/// Time stands still: that an entry of the lease ends is a step of its own.
pub(super) const NOW: u64 = 0;
/// When entries end.
pub(super) const LATER: u64 = 1;

/// Counts commits; the store begins with commit 1.
pub(super) type Seq = u8;

/// What the store holds or held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Todo {
    pub(super) there: bool,
    pub(super) version: u64,
    pub(super) seq: Seq,
    /// How many validity moments had come when the access to the store began.
    pub(super) era: u8,
}

/// What the cache holds; `seq` says which commit its value shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Cell {
    pub(super) state: CellState,
    pub(super) seq: Seq,
    /// How many validity moments had come when it was filled.
    pub(super) era: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Op {
    Put,
    Delete,
}

/// Where a writer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Writer {
    Idle,
    /// It took the lease, or tried to.
    Leased {
        has_lease: bool,
    },
    Committed {
        todo: Todo,
        has_lease: bool,
    },
    Done,
}

/// Where a reader is. `floor` is what it must not answer below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reader {
    Idle,
    /// About to look at the cell.
    Looks {
        floor: Seq,
        ticket: u8,
    },
    /// The cell has no answer.
    WantsLease {
        floor: Seq,
        ticket: u8,
    },
    /// About to read the store, on behalf of itself and those who joined.
    Loads {
        floor: Seq,
        ticket: u8,
    },
    /// Has read the store, and has not put yet.
    Puts {
        floor: Seq,
        ticket: u8,
        todo: Todo,
    },
    /// Waits for another reader's fill.
    Joined {
        floor: Seq,
        ticket: u8,
        leader: u8,
        share: Share,
    },
    /// Has an answer, and offers it to L1.
    Answers {
        floor: Seq,
        ticket: u8,
        todo: Todo,
    },
    Done,
}

/// When the result of a fill may be shared by a reader that joined it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Share {
    /// It joined before the store was read.
    Always,
    /// It joined when the store had been read: only if nobody put anything newer between that and the put.
    IfStored,
}

/// Said to every process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Announcement {
    /// A value of this version.
    Version(u64),
    /// Absence, or something unknown.
    Whatever,
}

/// One process's L1, and what it has not heard yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Process {
    pub(super) held: Option<(u64, Seq)>,
    /// How often something was invalidated or inserted.
    pub(super) count: u8,
    pub(super) unheard: Vec<Announcement>,
    /// What it has answered.
    pub(super) answered: Seq,
}

/// Not yet told by the change stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Event {
    pub(super) there: bool,
    pub(super) version: u64,
    pub(super) seq: Seq,
    /// The collection was replaced: nobody knows what changed.
    pub(super) unknown: bool,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) store: Todo,
    pub(super) cell: Option<Cell>,
    pub(super) lease: Lease<u8>,
    /// The newest commit that was acknowledged, answered, or passed by the change stream.
    pub(super) known: Seq,
    pub(super) writers: Vec<Writer>,
    pub(super) readers: Vec<Reader>,
    pub(super) processes: Vec<Process>,
    pub(super) feed: Vec<Event>,
    /// Whether something was there after commit 1, 2, …
    pub(super) past: Vec<bool>,
    /// How many validity moments have come.
    pub(super) era: u8,
    pub(super) losses: u8,
    pub(super) crashes: u8,
    pub(super) swaps: u8,
    /// What was answered wrong.
    pub(super) wrong: Option<Wrong>,
}

/// A wrong answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Wrong {
    /// The reader that got it.
    pub(super) reader: u8,
    /// What it answered.
    pub(super) answered: Option<u64>,
    /// The commit that was known when it began.
    pub(super) known: u8,
}

//! What a put or an invalidation may do to a cell: one pure function each.
//!
//! The one rule: **only who has an entry in the lease stores a value, and nothing older than what others have put since; anybody
//! may raise the floor.** The in-process cache runs these functions; `backend/redis/put.lua`, `invalidate.lua` and `lease.lua` say
//! the same in Redis, and a test compares them over generated cases. Who has an entry says [`crate::lease`].

use crate::cell::Kind;

/// A cell as far as the rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CellState {
    /// What the cell says.
    pub kind: Kind,
    /// Version of the value, or the floor of a tombstone.
    pub version: u64,
}

impl CellState {
    /// The cell without its version if it was filled before the moment from which on cells are valid: what the store held
    /// before then says nothing of the versions after it (a collection was replaced by another).
    #[must_use]
    pub fn as_of(self, filled_at_ms: u64, valid_after_ms: u64) -> Self {
        if filled_at_ms < valid_after_ms { Self { version: 0, ..self } } else { self }
    }
}

/// What others have put since an entry of a lease was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LeaseNotes {
    /// The highest version that somebody else put or invalidated.
    pub floor: u64,
    /// Whether somebody else saw that the value does not exist.
    pub gone: bool,
}

impl LeaseNotes {
    /// The notes after somebody else offered this, whatever became of it.
    #[must_use]
    pub fn noting(self, offer: Offer) -> Self {
        match offer {
            Offer::Value(version) => Self { floor: self.floor.max(version), ..self },
            // Its version is no floor: what was deleted may have been without one, and then it is below versions of before.
            Offer::Absence(_) => Self { gone: true, ..self },
        }
    }
}

/// On whose behalf somebody is at work on an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A reader's: it reads the store and puts what it found.
    Filler,
    /// A writer's: it commits to the store and puts what it wrote.
    Writer,
}

/// What was read from the store or written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offer {
    /// A value of this version.
    Value(u64),
    /// Absence, of this version if a delete made it, else 0.
    Absence(u64),
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PutResult {
    /// The cell holds it. Nobody put anything newer between the lease and the put.
    Stored,
    /// Only the floor was raised; the next reader fills.
    Raised,
    /// The cell is at least as new.
    Refused,
}

impl PutResult {
    /// In one word, for those who trace a put.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Raised => "raised",
            Self::Refused => "refused",
        }
    }
}

/// What became of an attempt to get the right to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseResult {
    /// The caller has the lease.
    Taken,
    /// Another reader fills.
    Held {
        /// How long its entry lasts at most, milliseconds.
        left_ms: u64,
    },
    /// The cell was filled since the caller looked: it should look again.
    Filled,
}

/// Decides a reader's attempt to get the lease. `held_ms`: for how many milliseconds at most another reader fills; `changed`: the
/// cell is not what the caller saw.
pub fn lease(cell: Option<Kind>, changed: bool, held_ms: Option<u64>) -> LeaseResult {
    match (cell, held_ms) {
        (Some(Kind::Value | Kind::Absent), _) if changed => LeaseResult::Filled,
        (_, Some(left_ms)) => LeaseResult::Held { left_ms },
        (_, None) => LeaseResult::Taken,
    }
}

/// What happens to the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellChange {
    /// Nothing.
    Keep,
    /// It becomes this, with the body of the offer if a value.
    Set(CellState),
}

/// What is announced to the L1 of every process: nothing that it holds may be older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Announcement {
    /// There is a value of this version.
    Value(u64),
    /// There is nothing; the version of the cell goes along.
    Absence(u64),
}

/// What a put does to the cell. In the lease, the caller's entry goes and every other one notes the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What became of the offer.
    pub result: PutResult,
    /// What happens to the cell.
    pub cell: CellChange,
    /// What is announced to other processes.
    pub announce: Option<Announcement>,
}

/// Decides a put. `own` is what others have noted in the caller's entry of the lease; `None` if it has none.
///
/// An entry that is there proves that no lease was lost since it was made, so its notes hold everything that others have put
/// since, and what they put before was in the store when this one read or wrote it.
pub fn put(cell: Option<CellState>, own: Option<LeaseNotes>, offer: Offer) -> Decision {
    match offer {
        Offer::Value(version) => {
            let above_cell = cell.is_none_or(|cell| version > cell.version);
            let not_below_cell = cell.is_none_or(|cell| version >= cell.version);
            if own.is_some_and(|notes| !notes.gone && version >= notes.floor) && not_below_cell {
                let value = CellState { kind: Kind::Value, version };
                let announce = above_cell.then_some(Announcement::Value(version));
                return Decision { result: PutResult::Stored, cell: CellChange::Set(value), announce };
            }
            if above_cell {
                let floor = CellChange::Set(CellState { kind: Kind::Tombstone, version });
                Decision { result: PutResult::Raised, cell: floor, announce: Some(Announcement::Value(version)) }
            } else {
                Decision { result: PutResult::Refused, cell: CellChange::Keep, announce: None }
            }
        }
        Offer::Absence(version) => {
            if own.is_some_and(|notes| version >= notes.floor) {
                let version = cell.map_or(version, |cell| cell.version.max(version));
                let absent = CellState { kind: Kind::Absent, version };
                let known = cell.is_some_and(|cell| cell.kind == Kind::Absent && cell.version == version);
                let announce = (!known).then_some(Announcement::Absence(version));
                return Decision { result: PutResult::Stored, cell: CellChange::Set(absent), announce };
            }
            // Also where there is no cell: an L1 may hold what the cache has lost.
            let announce = Some(Announcement::Absence(cell.map_or(version, |cell| cell.version)));
            let cell = match cell {
                Some(CellState { kind: Kind::Value, version }) => {
                    CellChange::Set(CellState { kind: Kind::Tombstone, version })
                }
                _ => CellChange::Keep,
            };
            Decision { result: PutResult::Raised, cell, announce }
        }
    }
}

/// Decides an invalidation at `version`: the cell becomes a floor unless it is at that version or above. If the cell changes,
/// the version is announced. Every entry of the lease notes the version.
pub fn invalidate(cell: Option<CellState>, version: u64) -> CellChange {
    match cell {
        Some(cell) if cell.version >= version => CellChange::Keep,
        _ => CellChange::Set(CellState { kind: Kind::Tombstone, version }),
    }
}

/// What happens to an entry of L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum L1Change {
    /// Nothing.
    Keep,
    /// It goes.
    Remove,
    /// What was found takes its place.
    Insert,
}

/// Decides what L1 does with what a read found behind it: `found` is the version of a value, `None` absence.
/// `undisturbed`: since the read began, nothing was invalidated or inserted.
pub fn l1_offer(held: Option<u64>, found: Option<u64>, undisturbed: bool) -> L1Change {
    match (held, found) {
        (Some(held), Some(found)) if held > found => L1Change::Keep,
        (_, Some(_)) if undisturbed => L1Change::Insert,
        // Whoever was answered something newer is not answered this afterwards.
        (Some(held), Some(found)) if held < found => L1Change::Remove,
        (Some(_), None) => L1Change::Remove,
        _ => L1Change::Keep,
    }
}

/// Decides what an invalidation does to L1: `floor` is the version below which nothing may be answered, `None` stands
/// for whatever is held.
pub fn l1_invalidate(held: Option<u64>, floor: Option<u64>) -> L1Change {
    match (held, floor) {
        (Some(held), Some(floor)) if held >= floor => L1Change::Keep,
        (Some(_), _) => L1Change::Remove,
        (None, _) => L1Change::Keep,
    }
}

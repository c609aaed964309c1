//! What a put or an invalidation may do to a cell and its lease: one pure function each.
//!
//! The one rule: **only the holder of the lease stores a value; anybody may raise the floor.** The in-process cache runs
//! these functions; `backend/redis/put.lua` and `backend/redis/invalidate.lua` say the same in Redis, and a test compares them over
//! generated cases.

use crate::cell::Kind;

/// A cell as far as the rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CellState {
    /// What the cell says.
    pub kind: Kind,
    /// Version of the value, or the floor of a tombstone.
    pub version: u64,
}

/// What others have seen since a lease was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LeaseNotes {
    /// The highest version that somebody else put or invalidated.
    pub floor: u64,
    /// Whether somebody else saw that the value does not exist.
    pub gone: bool,
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
    /// The cell holds it. Nobody wrote between the lease and the put.
    Stored,
    /// Only the floor was raised; the next reader fills.
    Raised,
    /// The cell is at least as new.
    Refused,
}

/// What became of an attempt to get the right to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseResult {
    /// The caller has the lease.
    Taken,
    /// Somebody else has it.
    Held,
    /// The cell was filled since the caller looked: it should look again.
    Filled,
}

/// Decides an attempt to get the lease. `taken`: somebody has it; `changed`: the cell is not what the caller saw.
pub fn lease(cell: Option<Kind>, changed: bool, taken: bool) -> LeaseResult {
    match cell {
        Some(Kind::Value | Kind::Absent) if changed => LeaseResult::Filled,
        _ if taken => LeaseResult::Held,
        _ => LeaseResult::Taken,
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

/// What happens to the lease, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseChange {
    /// It goes.
    Release,
    /// It stays, with these notes.
    Note(LeaseNotes),
}

/// What is announced to the L1 of every process: nothing that it holds may be older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Announcement {
    /// There is a value of this version.
    Value(u64),
    /// There is nothing; the version of the cell goes along.
    Absence(u64),
}

/// What a put does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What became of the offer.
    pub result: PutResult,
    /// What happens to the cell.
    pub cell: CellChange,
    /// What happens to the lease, whoever holds it.
    pub lease: LeaseChange,
    /// What is announced to other processes.
    pub announce: Option<Announcement>,
}

/// Decides a put. `lease` is what the present lease has noted, if there is one; `own` whether the caller holds it.
pub fn put(cell: Option<CellState>, lease: Option<LeaseNotes>, own: bool, offer: Offer) -> Decision {
    let notes = lease.unwrap_or_default();
    let own = own && lease.is_some();
    // A holder whose offer is not stored has no more use for the lease; anybody else leaves a note in it.
    let noting = |notes| if own { LeaseChange::Release } else { LeaseChange::Note(notes) };
    match offer {
        Offer::Value(version) => {
            let above_cell = cell.is_none_or(|cell| version > cell.version);
            let not_below_cell = cell.is_none_or(|cell| version >= cell.version);
            if own && !notes.gone && version >= notes.floor && not_below_cell {
                let value = CellState { kind: Kind::Value, version };
                return Decision {
                    result: PutResult::Stored,
                    cell: CellChange::Set(value),
                    lease: LeaseChange::Release,
                    announce: above_cell.then_some(Announcement::Value(version)),
                };
            }
            let lease = noting(LeaseNotes { floor: notes.floor.max(version), ..notes });
            if above_cell {
                let floor = CellChange::Set(CellState { kind: Kind::Tombstone, version });
                let announce = Some(Announcement::Value(version));
                Decision { result: PutResult::Raised, cell: floor, lease, announce }
            } else {
                Decision { result: PutResult::Refused, cell: CellChange::Keep, lease, announce: None }
            }
        }
        Offer::Absence(version) => {
            if own && notes.floor == 0 {
                let version = cell.map_or(version, |cell| cell.version.max(version));
                let absent = CellState { kind: Kind::Absent, version };
                let known = cell.is_some_and(|cell| cell.kind == Kind::Absent && cell.version == version);
                return Decision {
                    result: PutResult::Stored,
                    cell: CellChange::Set(absent),
                    lease: LeaseChange::Release,
                    announce: (!known).then_some(Announcement::Absence(version)),
                };
            }
            // Also where there is no cell: an L1 may hold what the cache has lost.
            let announce = Some(Announcement::Absence(cell.map_or(version, |cell| cell.version)));
            let cell = match cell {
                Some(CellState { kind: Kind::Value, version }) => {
                    CellChange::Set(CellState { kind: Kind::Tombstone, version })
                }
                _ => CellChange::Keep,
            };
            Decision { result: PutResult::Raised, cell, lease: noting(LeaseNotes { gone: true, ..notes }), announce }
        }
    }
}

/// Decides an invalidation at `version`: the cell becomes a floor unless it is at that version or above, and the lease
/// notes the version. If the cell changes, the version is announced.
pub fn invalidate(cell: Option<CellState>, lease: Option<LeaseNotes>, version: u64) -> (CellChange, LeaseChange) {
    let notes = lease.unwrap_or_default();
    let change = match cell {
        Some(cell) if cell.version >= version => CellChange::Keep,
        _ => CellChange::Set(CellState { kind: Kind::Tombstone, version }),
    };
    (change, LeaseChange::Note(LeaseNotes { floor: notes.floor.max(version), ..notes }))
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

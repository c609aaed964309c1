//! The cache in this process: the same cells and leases, decided by the same rules.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moka::Expiry;

use crate::cell::{Cell, Kind, Seen};
use crate::clock::now_ms;
use crate::options::Options;
use crate::put::{Put, Token};
use crate::rules::{self, CellChange, CellState, LeaseChange, LeaseNotes, LeaseResult, Offer, PutResult};
use crate::validity::{Cause, Validity};

/// Locks, so that a decision and its effect on a cell and its lease are one step, as a script in Redis is.
const SHARDS: usize = 64;
/// What an entry takes besides its key and body, estimated: moka's entry, its queues and timers, the cell.
const ENTRY_BYTES: usize = 320;

/// Clones share the cells.
#[derive(Clone)]
pub(crate) struct MemoryCache {
    shared: Arc<Shared>,
}

struct Shared {
    cells: moka::sync::Cache<Arc<str>, Kept>,
    leases: Vec<Mutex<HashMap<Box<str>, Lease>>>,
    hasher: RandomState,
    lease: Duration,
    tombstone: Duration,
    heartbeat_timeout: Duration,
    max_lag: Duration,
    validity: Arc<Validity>,
}

#[derive(Clone)]
struct Kept {
    cell: Cell,
    ttl: Duration,
}

struct Lease {
    token: Token,
    notes: LeaseNotes,
    until: Instant,
}

struct UntilTtl;

impl Expiry<Arc<str>, Kept> for UntilTtl {
    fn expire_after_create(&self, _id: &Arc<str>, kept: &Kept, _now: Instant) -> Option<Duration> {
        Some(kept.ttl)
    }

    fn expire_after_update(&self, _: &Arc<str>, kept: &Kept, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(kept.ttl)
    }
}

impl MemoryCache {
    pub(crate) fn new(options: &Options, validity: Arc<Validity>) -> Self {
        let cells = moka::sync::Cache::builder()
            .max_capacity(options.memory_max_bytes)
            .weigher(|id: &Arc<str>, kept: &Kept| {
                u32::try_from(ENTRY_BYTES + id.len() + kept.cell.body.len()).unwrap_or(u32::MAX)
            })
            .expire_after(UntilTtl)
            .build();
        let shared = Shared {
            cells,
            leases: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            lease: options.lease,
            tombstone: options.tombstone,
            heartbeat_timeout: options.heartbeat_timeout,
            max_lag: options.max_lag,
            validity,
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn get(&self, id: &str) -> Option<Cell> {
        self.shared.cells.get(id).map(|kept| kept.cell)
    }

    pub(crate) fn get_many(&self, ids: &[&str]) -> Vec<Option<Cell>> {
        ids.iter().map(|id| self.get(id)).collect()
    }

    pub(crate) fn try_lease(&self, id: &str, token: Token, seen: Seen) -> LeaseResult {
        let mut leases = self.leases(id);
        let (cell, taken) = (self.get(id), live(&mut leases, id).is_some());
        let result = rules::lease(cell.as_ref().map(|cell| cell.kind), seen.differs_from(cell.as_ref()), taken);
        if result == LeaseResult::Taken {
            self.lease(&mut leases, id, token);
        }
        result
    }

    pub(crate) fn take_lease(&self, id: &str, token: Token) {
        self.lease(&mut self.leases(id), id, token);
    }

    pub(crate) fn release(&self, id: &str, token: Token) {
        let mut leases = self.leases(id);
        if leases.get(id).is_some_and(|lease| lease.token == token) {
            leases.remove(id);
        }
    }

    pub(crate) fn put(&self, id: &str, token: Option<Token>, put: &Put) -> PutResult {
        let mut leases = self.leases(id);
        let lease = live(&mut leases, id);
        let own = lease.as_ref().is_some_and(|lease| token == Some(lease.token));
        let offer = match put.cell.kind {
            Kind::Value => Offer::Value(put.cell.version),
            Kind::Absent | Kind::Tombstone => Offer::Absence(put.cell.version),
        };
        let decision = rules::put(self.state(id), lease.map(|lease| lease.notes), own, offer);
        self.apply(&mut leases, id, decision.cell, decision.lease, Some(put));
        decision.result
    }

    pub(crate) fn invalidate(&self, id: &str, version: u64) {
        let mut leases = self.leases(id);
        let notes = live(&mut leases, id).map(|lease| lease.notes);
        let (cell, lease) = rules::invalidate(self.state(id), notes, version);
        self.apply(&mut leases, id, cell, lease, None);
    }

    pub(crate) fn remove(&self, id: &str) {
        self.leases(id).remove(id);
        self.shared.cells.invalidate(id);
    }

    /// All at one time, and none after them.
    pub(crate) fn some_ids(&self, _cursor: u64) -> (u64, Vec<String>) {
        (0, self.shared.cells.iter().map(|(id, _)| id.as_ref().as_ref().to_owned()).collect())
    }

    #[expect(clippy::unused_self, reason = "as of the cache in Redis")]
    pub(crate) fn lead(&self, _token: Token) -> bool {
        true
    }

    #[expect(clippy::unused_self, reason = "as of the cache in Redis")]
    pub(crate) fn release_lead(&self, _token: Token) {}

    pub(crate) fn send_heartbeat(&self, lag: Duration) {
        let Shared { validity, max_lag, heartbeat_timeout, .. } = &*self.shared;
        validity.on_heartbeat(lag, *max_lag, now_ms(), *heartbeat_timeout);
    }

    pub(crate) fn invalidate_all(&self) -> u64 {
        // A fill of this very millisecond may have read what was before.
        let at_ms = now_ms() + 1;
        self.shared.validity.invalidate_before(at_ms, Cause::ChangeStream);
        at_ms
    }

    fn state(&self, id: &str) -> Option<CellState> {
        self.get(id).map(|cell| CellState { kind: cell.kind, version: cell.version })
    }

    fn apply(
        &self,
        leases: &mut HashMap<Box<str>, Lease>,
        id: &str,
        cell: CellChange,
        lease: LeaseChange,
        put: Option<&Put>,
    ) {
        if let CellChange::Set(CellState { kind, version }) = cell {
            let kept = match put {
                Some(put) if kind != Kind::Tombstone => {
                    let cell = Cell { kind, version, ..put.cell.clone() };
                    Kept { cell, ttl: Duration::from_millis(put.ttl_ms) }
                }
                _ => {
                    let cell = Cell { kind, version, filled_at_ms: 0, cost_us: 0, body: Bytes::new() };
                    Kept { cell, ttl: self.shared.tombstone }
                }
            };
            self.shared.cells.insert(id.into(), kept);
        }
        match lease {
            LeaseChange::Release => drop(leases.remove(id)),
            LeaseChange::Note(notes) => {
                if let Some(lease) = leases.get_mut(id) {
                    lease.notes = notes;
                }
            }
        }
    }

    fn lease(&self, leases: &mut HashMap<Box<str>, Lease>, id: &str, token: Token) {
        let now = Instant::now();
        // Leases end with their put; those that were lost are swept when they pile up.
        if leases.len() >= 1_000 {
            leases.retain(|_, lease| lease.until > now);
        }
        let lease = Lease { token, notes: LeaseNotes::default(), until: now + self.shared.lease };
        leases.insert(id.into(), lease);
    }

    fn leases(&self, id: &str) -> MutexGuard<'_, HashMap<Box<str>, Lease>> {
        let shard = self.shared.hasher.hash_one(id) as usize % SHARDS;
        // A panic between two statements here could at worst lose a lease, which costs a hit and never an error.
        self.shared.leases[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn live<'a>(leases: &'a mut HashMap<Box<str>, Lease>, id: &str) -> Option<&'a mut Lease> {
    leases.get_mut(id).filter(|lease| lease.until > Instant::now())
}

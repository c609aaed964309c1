//! The cache in this process: the same cells and leases, decided by the same rules.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moka::Expiry;

use super::waiters::{Waiters, Waiting};
use crate::cell::{Cell, Kind, Seen};
use crate::clock::{Clock, now_ms};
use crate::inspect::InspectedEntry;
use crate::lead::Lead;
use crate::lease::Lease;
use crate::options::Options;
use crate::put::{Put, Token};
use crate::rules::{self, CellChange, CellState, LeaseResult, Offer, PutResult};
use crate::timeline::{Found, Timeline};
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
    leases: Vec<Mutex<Leases>>,
    waiters: Waiters,
    hasher: RandomState,
    /// Leases end by a clock that nobody sets.
    start: Instant,
    lease: Duration,
    tombstone: Duration,
    heartbeat_timeout: Duration,
    max_lag: Duration,
    validity: Arc<Validity>,
    timeline: Timeline,
}

#[derive(Clone)]
struct Kept {
    cell: Cell,
    ttl: Duration,
}

type Leases = HashMap<Box<str>, Lease<Token>>;

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
            waiters: Waiters::default(),
            hasher: RandomState::new(),
            start: Instant::now(),
            lease: options.lease,
            tombstone: options.tombstone,
            heartbeat_timeout: options.heartbeat_timeout,
            max_lag: options.max_lag,
            timeline: Timeline::new(Clock::of_process(), Arc::clone(&validity)),
            validity,
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        &self.shared.timeline
    }

    pub(crate) fn get(&self, id: &str) -> Option<Found> {
        self.cell(id).map(|cell| self.shared.timeline.criteria().found(id, cell))
    }

    fn cell(&self, id: &str) -> Option<Cell> {
        self.shared.cells.get(id).map(|kept| kept.cell)
    }

    pub(crate) fn get_many(&self, ids: &[&str]) -> Vec<Option<Found>> {
        ids.iter().map(|id| self.get(id)).collect()
    }

    /// The cell and who is in the lease.
    pub(crate) fn inspect(&self, id: &str) -> (Option<Found>, Vec<InspectedEntry>) {
        let (leases, now_ms) = (self.leases(id), self.lease_clock_ms());
        let entries = leases.get(id).into_iter().flat_map(|lease| &lease.entries);
        let entries = entries.filter_map(|entry| InspectedEntry::new(entry.by, entry.until_ms, now_ms));
        (self.get(id), entries.collect())
    }

    pub(crate) fn try_lease(&self, id: &str, token: Token, seen: Seen) -> LeaseResult {
        let (mut leases, now_ms) = (self.leases(id), self.lease_clock_ms());
        let (cell, held) = (self.cell(id), leases.get(id).and_then(|lease| lease.held(now_ms)));
        let result = rules::lease(cell.as_ref().map(|cell| cell.kind), seen.differs_from(cell.as_ref()), held);
        match result {
            LeaseResult::Taken => self.enter(&mut leases, id, |lease, until_ms| lease.fill(token, now_ms, until_ms)),
            LeaseResult::Held { .. } => {
                if let Some(lease) = leases.get_mut(id) {
                    lease.waiting = true;
                }
            }
            LeaseResult::Filled => {}
        }
        result
    }

    pub(crate) fn wait(&self, id: &str) -> Waiting {
        self.shared.waiters.enter(id)
    }

    pub(crate) fn take_lease(&self, id: &str, token: Token) {
        let now_ms = self.lease_clock_ms();
        self.enter(&mut self.leases(id), id, |lease, until_ms| lease.write(token, now_ms, until_ms));
    }

    pub(crate) fn release(&self, id: &str, token: Token) {
        let mut leases = self.leases(id);
        if leases.get_mut(id).is_some_and(|lease| lease.release(token)) {
            self.settle(&mut leases, id, false);
        }
    }

    pub(crate) fn put(&self, id: &str, token: Option<Token>, put: &Put) -> PutResult {
        let (mut leases, now_ms) = (self.leases(id), self.lease_clock_ms());
        let offer = match put.cell.kind {
            Kind::Value => Offer::Value(put.cell.version),
            Kind::Absent | Kind::Tombstone => Offer::Absence(put.cell.version),
        };
        let timeline = &self.shared.timeline;
        let dated = put.dated(timeline);
        let valid_after_ms = timeline.floors_since_ms(id, dated.filled_at_ms);
        let own = token.and_then(|token| leases.get(id)?.notes(token, now_ms));
        let decision = rules::put(self.state(id, valid_after_ms), own, offer);
        self.change(id, decision.cell, Some((dated, put.ttl_ms)));
        if let Some(lease) = leases.get_mut(id) {
            if let Some(token) = token {
                lease.release(token);
            }
            lease.note(offer, now_ms);
        }
        self.settle(&mut leases, id, decision.result == PutResult::Stored);
        decision.result
    }

    pub(crate) fn invalidate(&self, id: &str, version: u64) {
        let mut leases = self.leases(id);
        self.change(id, rules::invalidate(self.state(id, self.shared.timeline.valid_after_ms()), version), None);
        if let Some(lease) = leases.get_mut(id) {
            lease.note(Offer::Value(version), self.lease_clock_ms());
        }
    }

    pub(crate) fn remove(&self, id: &str) {
        let mut leases = self.leases(id);
        if let Some(lease) = leases.get_mut(id) {
            lease.entries.clear();
        }
        self.shared.cells.invalidate(id);
        self.settle(&mut leases, id, false);
    }

    /// All at one time, and none after them.
    pub(crate) fn some_ids(&self, _cursor: u64) -> (u64, Vec<String>) {
        (0, self.shared.cells.iter().map(|(id, _)| id.as_ref().as_ref().to_owned()).collect())
    }

    #[expect(clippy::unused_self, reason = "as of the cache in Redis")]
    pub(crate) fn lead(&self, _lead: Lead, _token: Token) -> bool {
        true
    }

    #[expect(clippy::unused_self, reason = "as of the cache in Redis")]
    pub(crate) fn release_lead(&self, _lead: Lead, _token: Token) {}

    pub(crate) fn send_heartbeat(&self, lag: Duration) {
        let Shared { validity, max_lag, heartbeat_timeout, .. } = &*self.shared;
        validity.on_heartbeat(lag, *max_lag, now_ms(), *heartbeat_timeout);
    }

    pub(crate) fn invalidate_all(&self) -> u64 {
        // A fill of this very millisecond may have read what was before.
        let at_ms = now_ms() + 1;
        self.shared.timeline.invalidate_before(at_ms, Cause::ChangeStream);
        at_ms
    }

    fn state(&self, id: &str, valid_after_ms: u64) -> Option<CellState> {
        let cell = self.cell(id)?;
        Some(CellState { kind: cell.kind, version: cell.version }.as_of(cell.filled_at_ms, valid_after_ms))
    }

    fn change(&self, id: &str, cell: CellChange, put: Option<(Cell, u64)>) {
        let CellChange::Set(CellState { kind, version }) = cell else { return };
        let kept = match put {
            Some((cell, ttl_ms)) if kind != Kind::Tombstone => {
                Kept { cell: Cell { kind, version, ..cell }, ttl: Duration::from_millis(ttl_ms) }
            }
            _ => {
                let cell = Cell { kind, version, filled_at_ms: now_ms(), cost_us: 0, body: Bytes::new() };
                Kept { cell, ttl: self.shared.tombstone }
            }
        };
        self.shared.cells.insert(id.into(), kept);
    }

    fn enter(&self, leases: &mut Leases, id: &str, enter: impl FnOnce(&mut Lease<Token>, u64)) {
        let now_ms = self.lease_clock_ms();
        // Leases end with their put; those that were lost are swept when they pile up.
        if leases.len() >= 1_000 {
            leases.retain(|_, lease| lease.entries.iter().any(|entry| entry.until_ms > now_ms));
        }
        enter(leases.entry(id.into()).or_default(), now_ms + self.shared.lease.as_millis() as u64);
    }

    /// Wakes who waits if it is time, and drops a lease that nobody holds.
    fn settle(&self, leases: &mut Leases, id: &str, filled: bool) {
        let Some(lease) = leases.get_mut(id) else { return };
        if lease.wakes(filled) {
            self.shared.waiters.wake(id);
        }
        if lease.entries.is_empty() {
            leases.remove(id);
        }
    }

    fn lease_clock_ms(&self) -> u64 {
        self.shared.start.elapsed().as_millis() as u64
    }

    fn leases(&self, id: &str) -> MutexGuard<'_, Leases> {
        let shard = self.shared.hasher.hash_one(id) as usize % SHARDS;
        // A panic between two statements here could at worst lose a lease, which costs a hit and never an error.
        self.shared.leases[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

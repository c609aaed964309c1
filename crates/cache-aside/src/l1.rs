//! `L1`: values in this process, in front of Redis, for a second or so. An insert whose read began before an
//! invalidation of its id is refused: otherwise it would put back what was just invalidated.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::failpoints::{self, Guard};
use crate::outcome::{Answer, Detail, Entry, Outcome};
use crate::rules::{self, L1Change};
use crate::stats::L1Stats;
use crate::validity::Validity;

/// Ids that share one count of invalidations: one that is invalidated costs the others an insert, never a wrong value.
const SHARDS: usize = 4_096;
/// What an entry takes besides its id and body, estimated.
const ENTRY_BYTES: usize = 160;

/// Clones of an `Arc` share it.
pub(crate) struct L1 {
    entries: Cache<Box<str>, L1Entry, Bytewise>,
    /// How often something of the shard was invalidated or inserted.
    counts: Vec<Mutex<u64>>,
    hasher: RandomState,
    ttl_ms: u64,
    validity: Arc<Validity>,
    /// Until when (milliseconds since 1970) invalidations are known to arrive.
    live_until_ms: AtomicU64,
    invalidations: AtomicU64,
    /// Entries that were added and taken away by intent; the rest of those that are gone was evicted.
    added: AtomicU64,
    removed: AtomicU64,
}

#[derive(Clone)]
struct L1Entry {
    version: u64,
    body: Bytes,
    until_ms: u64,
    /// When the value in the cache behind stops being fresh, milliseconds since 1970.
    fresh_until_ms: u64,
    epoch: u64,
}

/// Taken before a read of what is behind: says whether anything came between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    count: u64,
    epoch: u64,
}

#[derive(Clone)]
struct Bytewise;

impl Weighter<Box<str>, L1Entry> for Bytewise {
    fn weight(&self, id: &Box<str>, held: &L1Entry) -> u64 {
        (ENTRY_BYTES + id.len() + held.body.len()) as u64
    }
}

impl L1 {
    pub(crate) fn new(ttl: Duration, max_bytes: u64, validity: Arc<Validity>) -> Self {
        // Todos are small: an estimate only sizes the first tables.
        let estimated = usize::try_from(max_bytes / 512).unwrap_or(usize::MAX);
        Self {
            entries: Cache::with_weighter(estimated, max_bytes, Bytewise),
            counts: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            ttl_ms: ttl.as_millis() as u64,
            validity,
            live_until_ms: AtomicU64::new(0),
            invalidations: AtomicU64::new(0),
            added: AtomicU64::new(0),
            removed: AtomicU64::new(0),
        }
    }

    /// A value of at least this version, if invalidations are known to arrive.
    pub(crate) fn get(&self, id: &str, min_version: u64, now_ms: u64) -> Option<Answer> {
        if !self.is_live(now_ms) {
            return None;
        }
        let held = self.entries.get(id)?;
        if now_ms >= held.until_ms || held.version < min_version || held.epoch != self.validity.epoch() {
            return None;
        }
        let ttl_ms = held.fresh_until_ms as i64 - now_ms as i64;
        let entry = Some(Entry { version: held.version, body: held.body });
        Some(Answer { entry, outcome: Outcome::Hit, detail: Some(Detail::L1), ttl_ms })
    }

    pub(crate) fn ticket(&self, id: &str) -> Ticket {
        Ticket { epoch: self.validity.epoch(), count: *self.count(id) }
    }

    /// What a read that began with `ticket` found: whatever is older goes, and it is inserted if nothing came between.
    pub(crate) fn offer(&self, id: &str, ticket: Ticket, answer: &Answer, fresh: Duration, now_ms: u64) {
        let found = answer.entry.as_ref().map(|entry| entry.version);
        let mut count = self.count(id);
        let undisturbed =
            failpoints::is_off(Guard::L1Record) || *count == ticket.count && self.validity.epoch() == ticket.epoch;
        // What was found is answered now: nothing older, whose read began before, may be inserted afterwards, also where this
        // is not inserted itself (absence, or something came between).
        *count += 1;
        let held = self.entries.get(id).map(|held| held.version);
        let replaces = held.is_some();
        match (rules::l1_offer(held, found, undisturbed), &answer.entry) {
            (L1Change::Insert, Some(entry)) if self.is_live(now_ms) => {
                let fresh_ms = match answer.outcome {
                    Outcome::Hit => answer.ttl_ms.max(0) as u64,
                    Outcome::Miss => fresh.as_millis() as u64,
                    Outcome::Stale | Outcome::Absent | Outcome::Bypass => return,
                };
                let held = L1Entry {
                    version: entry.version,
                    body: entry.body.clone(),
                    until_ms: now_ms + self.ttl_ms.min(fresh_ms),
                    fresh_until_ms: now_ms + fresh_ms,
                    epoch: ticket.epoch,
                };
                self.entries.insert(id.into(), held);
                self.added.fetch_add(u64::from(!replaces), Ordering::Relaxed);
            }
            (L1Change::Remove, _) => {
                self.remove(id);
            }
            _ => {}
        }
    }

    /// Somebody wrote: `floor` is the version below which nothing may be answered; `None`: whatever is held.
    pub(crate) fn invalidate(&self, id: &str, floor: Option<u64>) {
        self.invalidations.fetch_add(1, Ordering::Relaxed);
        let mut count = self.count(id);
        *count += 1;
        let held = self.entries.get(id).map(|held| held.version);
        if rules::l1_invalidate(held, floor) == L1Change::Remove {
            self.remove(id);
        }
    }

    fn remove(&self, id: &str) {
        if self.entries.remove(id).is_some() {
            self.removed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn stats(&self) -> L1Stats {
        let entries = self.entries.len() as u64;
        let gone = self.removed.load(Ordering::Relaxed) + entries;
        L1Stats {
            entries,
            bytes: self.entries.weight(),
            evictions: self.added.load(Ordering::Relaxed).saturating_sub(gone),
            invalidations: self.invalidations.load(Ordering::Relaxed),
            clears: self.validity.epoch(),
        }
    }

    /// All invalidations of before `at_ms` have arrived: entries are good for so long.
    pub(crate) fn on_heartbeat(&self, at_ms: u64, timeout: Duration) {
        self.live_until_ms.fetch_max(at_ms + timeout.as_millis() as u64, Ordering::AcqRel);
    }

    fn is_live(&self, now_ms: u64) -> bool {
        now_ms < self.live_until_ms.load(Ordering::Acquire)
    }

    fn count(&self, id: &str) -> MutexGuard<'_, u64> {
        let shard = self.hasher.hash_one(id) as usize % SHARDS;
        self.counts[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn l1() -> (L1, Arc<Validity>) {
        let validity = Arc::new(Validity::new());
        let l1 = L1::new(SECOND, 1 << 20, Arc::clone(&validity));
        l1.on_heartbeat(1_000, SECOND * 10);
        (l1, validity)
    }

    fn value(version: u64) -> Answer {
        let entry = Some(Entry { version, body: Bytes::from_static(b"{}") });
        Answer { entry, outcome: Outcome::Hit, detail: None, ttl_ms: 60_000 }
    }

    fn version(l1: &L1, now_ms: u64) -> Option<u64> {
        l1.get("1", 0, now_ms)?.entry.map(|entry| entry.version)
    }

    #[test]
    fn answers_until_its_time_ends() {
        let (l1, _) = l1();
        l1.offer("1", l1.ticket("1"), &value(5), SECOND, 1_000);
        assert_eq!(version(&l1, 1_999), Some(5));
        assert_eq!(version(&l1, 2_000), None);
        assert!(l1.get("1", 6, 1_001).is_none(), "a higher version was asked for");
    }

    #[test]
    fn an_insert_whose_read_began_before_an_invalidation_is_refused() {
        let (l1, _) = l1();
        for floor in [Some(6), None] {
            let ticket = l1.ticket("1");
            l1.invalidate("1", floor);
            l1.offer("1", ticket, &value(5), SECOND, 1_000);
            assert_eq!(version(&l1, 1_001), None);
        }
    }

    #[test]
    fn of_two_reads_the_one_that_began_before_the_other_ended_inserts_nothing() {
        let (l1, _) = l1();
        let (early, late) = (l1.ticket("1"), l1.ticket("1"));
        l1.offer("1", late, &value(6), SECOND, 1_000);
        l1.entries.remove("1");
        l1.offer("1", early, &value(5), SECOND, 1_000);
        assert_eq!(version(&l1, 1_001), None);
    }

    #[test]
    fn whoever_was_answered_absence_or_something_newer_finds_nothing_older_inserted_afterwards() {
        for found in [Answer { entry: None, ..value(0) }, Answer { outcome: Outcome::Bypass, ..value(6) }] {
            let (l1, _) = l1();
            let older = l1.ticket("1");
            l1.offer("1", l1.ticket("1"), &found, SECOND, 1_000);
            l1.offer("1", older, &value(5), SECOND, 1_000);
            assert_eq!(version(&l1, 1_001), None, "the older one was read before");
        }
    }

    #[test]
    fn absence_and_newer_values_remove_what_is_held() {
        let (l1, _) = l1();
        l1.offer("1", l1.ticket("1"), &value(5), SECOND, 1_000);
        let stale_ticket = Ticket { count: u64::MAX, epoch: 0 };
        l1.offer("1", stale_ticket, &value(6), SECOND, 1_000);
        assert_eq!(version(&l1, 1_001), None);
        l1.offer("1", l1.ticket("1"), &value(6), SECOND, 1_000);
        l1.offer("1", stale_ticket, &Answer { entry: None, ..value(0) }, SECOND, 1_000);
        assert_eq!(version(&l1, 1_001), None);
    }

    #[test]
    fn silence_and_a_broken_subscription_clear_it() {
        let (l1, validity) = l1();
        l1.offer("1", l1.ticket("1"), &value(5), SECOND * 60, 10_500);
        assert_eq!(version(&l1, 10_501), Some(5));
        assert_eq!(version(&l1, 11_000), None, "nothing arrived for too long");
        l1.on_heartbeat(11_000, SECOND);
        let under_way = l1.ticket("1");
        validity.clear_l1();
        assert_eq!(version(&l1, 11_001), None);
        l1.offer("1", under_way, &value(5), SECOND, 11_001);
        assert_eq!(version(&l1, 11_002), None);
    }
}

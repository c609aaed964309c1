//! `SingleFlight`: one fill per id at a time in this process; later requests wait for it. Only where writers overtake every fill
//! ([`Contention`]) does a request that could not share the one under way begin another beside it.
//!
//! What a request may share of its result depends on when it joined: before the store was read, always; while it was read, only
//! if nothing newer was put before the result was. From the put on it shares nothing, since a request that comes then may have
//! seen a write that the fill has not (a read that starts after an acknowledged write must not share a load that began before it).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::contention::Contention;

const SHARDS: usize = 64;

type Shard<R> = Mutex<HashMap<Box<str>, Flight<R>>>;

/// Every flight under way. Clones share them.
pub(crate) struct SingleFlight<R> {
    shards: Arc<Vec<Shard<R>>>,
    hasher: RandomState,
    pub(crate) contention: Contention,
}

struct Flight<R> {
    result: watch::Receiver<Option<R>>,
    phase: Phase,
}

/// How far a flight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The store is not asked yet.
    BeforeLoad,
    /// The store is asked.
    Loading,
    /// What it said is put, or what the cache said is passed on.
    Sealed,
}

/// What a request does in the flight of its id.
pub(crate) enum Role<R> {
    /// Nobody fills the id: the caller must.
    Leader(Leader<R>),
    /// Somebody does, and the caller waits.
    Waiter(Waiter<R>),
}

/// The duty to fill; dropped without a result, everybody who waits is told that there is none.
pub(crate) struct Leader<R> {
    id: Box<str>,
    shards: Arc<Vec<Shard<R>>>,
    shard: usize,
    result: Option<R>,
    sender: watch::Sender<Option<R>>,
}

/// A wait for somebody else's fill.
pub(crate) struct Waiter<R> {
    result: watch::Receiver<Option<R>>,
    /// How far the fill was when the wait began.
    pub(crate) joined: Phase,
}

impl<R: Clone> SingleFlight<R> {
    pub(crate) fn new() -> Self {
        let shards = Arc::new((0..SHARDS).map(|_| Mutex::default()).collect());
        Self { shards, hasher: RandomState::new(), contention: Contention::new() }
    }

    /// Joins the flight of the id, or begins one. Who comes later joins the one that began last.
    pub(crate) fn join(&self, id: &str) -> Role<R> {
        let shard = self.hasher.hash_one(id) as usize % SHARDS;
        let mut flights = lock(&self.shards[shard]);
        if let Some(flight) = flights.get(id)
            && (flight.phase == Phase::BeforeLoad || !self.contention.is_contended(id, Instant::now()))
        {
            return Role::Waiter(Waiter { result: flight.result.clone(), joined: flight.phase });
        }
        let (sender, result) = watch::channel(None);
        flights.insert(id.into(), Flight { result, phase: Phase::BeforeLoad });
        Role::Leader(Leader { id: id.into(), shards: Arc::clone(&self.shards), shard, result: None, sender })
    }
}

impl<R> Leader<R> {
    /// The fill is so far.
    pub(crate) fn enter(&self, phase: Phase) {
        if let Some(flight) = lock(&self.shards[self.shard]).get_mut(&self.id)
            && self.leads(flight)
        {
            flight.phase = phase;
        }
    }

    /// Whether the flight is this one, and not one that began beside it.
    fn leads(&self, flight: &Flight<R>) -> bool {
        self.sender.subscribe().same_channel(&flight.result)
    }

    /// Ends the flight with a result.
    pub(crate) fn complete(mut self, result: R) {
        self.result = Some(result);
    }
}

impl<R> Drop for Leader<R> {
    fn drop(&mut self) {
        // Nobody joins a flight that is over.
        let mut flights = lock(&self.shards[self.shard]);
        if flights.get(&self.id).is_some_and(|flight| self.leads(flight)) {
            flights.remove(&self.id);
        }
        drop(flights);
        if self.result.is_some() {
            self.sender.send_replace(self.result.take());
        }
    }
}

impl<R: Clone> Waiter<R> {
    /// The result; `None` if the leader gave up.
    pub(crate) async fn result(mut self) -> Option<R> {
        self.result.wait_for(Option::is_some).await.ok().and_then(|result| result.clone())
    }
}

fn lock<R>(shard: &Shard<R>) -> MutexGuard<'_, HashMap<Box<str>, Flight<R>>> {
    // Insertions and removals are single statements: a panic elsewhere leaves the map whole.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

//! `Flights`: one fill per id at a time in this process; later requests wait for it.
//!
//! Who may take its result: those that boarded before it was sealed. A fill seals its flight before it puts, since a
//! request that comes later may have seen a write that the fill has not (a read that starts after an acknowledged write
//! must not join a read that began before it).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

const SHARDS: usize = 64;

type Shard<R> = Mutex<HashMap<Box<str>, Flight<R>>>;

/// Every flight under way. Clones share them.
pub(crate) struct Flights<R> {
    shards: Arc<Vec<Shard<R>>>,
    hasher: RandomState,
}

struct Flight<R> {
    landed: watch::Receiver<Option<R>>,
    sealed: bool,
}

/// A request's place.
pub(crate) enum Boarding<R> {
    /// Nobody fills the id: the caller must.
    Lead(Leader<R>),
    /// Somebody does, and the result may be taken.
    Join(Joined<R>),
    /// Somebody does, but began too early: wait, and look again.
    Late(Joined<R>),
}

/// The duty to fill; dropped without landing, everybody who waits is told that there is no result.
pub(crate) struct Leader<R> {
    id: Box<str>,
    shards: Arc<Vec<Shard<R>>>,
    shard: usize,
    result: Option<R>,
    landed: watch::Sender<Option<R>>,
}

/// A wait for somebody else's fill.
pub(crate) struct Joined<R>(watch::Receiver<Option<R>>);

impl<R: Clone> Flights<R> {
    pub(crate) fn new() -> Self {
        Self { shards: Arc::new((0..SHARDS).map(|_| Mutex::default()).collect()), hasher: RandomState::new() }
    }

    pub(crate) fn board(&self, id: &str) -> Boarding<R> {
        let shard = self.hasher.hash_one(id) as usize % SHARDS;
        let mut flights = lock(&self.shards[shard]);
        if let Some(flight) = flights.get(id) {
            let joined = Joined(flight.landed.clone());
            return if flight.sealed { Boarding::Late(joined) } else { Boarding::Join(joined) };
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(id.into(), Flight { landed: receiver, sealed: false });
        Boarding::Lead(Leader { id: id.into(), shards: Arc::clone(&self.shards), shard, result: None, landed: sender })
    }
}

impl<R> Leader<R> {
    /// From now on nobody may board.
    pub(crate) fn seal(&self) {
        if let Some(flight) = lock(&self.shards[self.shard]).get_mut(&self.id) {
            flight.sealed = true;
        }
    }

    /// Ends the flight with a result.
    pub(crate) fn land(mut self, result: R) {
        self.result = Some(result);
    }
}

impl<R> Drop for Leader<R> {
    fn drop(&mut self) {
        // Nobody boards a flight that has landed.
        lock(&self.shards[self.shard]).remove(&self.id);
        if self.result.is_some() {
            self.landed.send_replace(self.result.take());
        }
    }
}

impl<R: Clone> Joined<R> {
    /// The result; `None` if the leader gave up.
    pub(crate) async fn landed(mut self) -> Option<R> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|result| result.clone())
    }
}

fn lock<R>(shard: &Shard<R>) -> MutexGuard<'_, HashMap<Box<str>, Flight<R>>> {
    // Insertions and removals are single statements: a panic elsewhere leaves the map whole.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

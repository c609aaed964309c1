//! `Backend`: the cache in Redis, in this process, or none, behind one enum. None is the baseline: every read goes to the
//! store.

pub(crate) mod memory;
pub(crate) mod redis;
pub(crate) mod waiters;

use std::time::Duration;

use self::memory::MemoryCache;
use self::redis::{ClusterCache, RedisCache};
use self::waiters::Waiting;
use crate::cell::Seen;
use crate::error::CacheError;
use crate::lead::Lead;
use crate::put::{LoadStart, Put, Token};
use crate::rules::{LeaseResult, PutResult};
use crate::timeline::Found;
use crate::validity::Cause;

/// One worker's access to the cache.
#[derive(Clone)]
pub(crate) enum Backend {
    Redis(RedisCache),
    Cluster(ClusterCache),
    Memory(MemoryCache),
    Off,
}

/// The same call on whichever backend there is; `$off` is what none answers.
macro_rules! on {
    ($backend:expr, $off:expr, $name:ident($($arg:expr),*)) => {
        match $backend {
            Backend::Redis(redis) => redis.$name($($arg),*).await,
            Backend::Cluster(cluster) => cluster.$name($($arg),*).await,
            Backend::Memory(memory) => Ok(memory.$name($($arg),*)),
            Backend::Off => Ok($off),
        }
    };
}

impl Backend {
    pub(crate) fn per_worker(&self) -> Self {
        match self {
            Self::Redis(redis) => Self::Redis(redis.per_worker()),
            Self::Cluster(cluster) => Self::Cluster(cluster.per_worker()),
            other => other.clone(),
        }
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Option<Found>, CacheError> {
        on!(self, None, get(id))
    }

    /// Whether a cell of this id that was filled by a load from `start` on would be answered.
    pub(crate) fn is_fill_valid(&self, id: &str, start: LoadStart) -> bool {
        match self {
            Self::Redis(redis) => redis.timeline().is_fill_valid(id, start),
            Self::Cluster(cluster) => cluster.is_fill_valid(id, start),
            Self::Memory(memory) => memory.timeline().is_fill_valid(id, start),
            Self::Off => false,
        }
    }

    /// Whether what a load fills that begins now would be answered.
    pub(crate) fn are_fills_valid(&self) -> bool {
        match self {
            Self::Redis(redis) => redis.timeline().are_fills_valid(),
            Self::Cluster(cluster) => cluster.are_fills_valid(),
            Self::Memory(memory) => memory.timeline().are_fills_valid(),
            Self::Off => true,
        }
    }

    /// The latest moment from which on cells are valid, milliseconds since 1970 on the clock of the cache.
    pub(crate) fn valid_after_ms(&self) -> u64 {
        match self {
            Self::Redis(redis) => redis.timeline().valid_after_ms(),
            Self::Cluster(cluster) => cluster.valid_after_ms(),
            Self::Memory(memory) => memory.timeline().valid_after_ms(),
            Self::Off => 0,
        }
    }

    /// From now on this process answers nothing that is cached now, of this id and whatever lies together with it.
    pub(crate) fn invalidate_here(&self, id: &str) {
        match self {
            Self::Redis(redis) => redis.timeline().invalidate_until_now(Cause::Bypass),
            Self::Cluster(cluster) => cluster.invalidate_here(id),
            Self::Memory(memory) => memory.timeline().invalidate_until_now(Cause::Bypass),
            Self::Off => {}
        }
    }

    /// The cells of many ids, in one round trip.
    pub(crate) async fn get_many(&self, ids: &[&str]) -> Result<Vec<Option<Found>>, CacheError> {
        on!(self, vec![None; ids.len()], get_many(ids))
    }

    /// Lets a reader into the lease that fills, if none does, unless the cell is another than the caller has seen. If one does,
    /// the caller may wait for it: see [`Backend::wait`].
    pub(crate) async fn try_lease(&self, id: &str, token: Token, seen: Seen) -> Result<LeaseResult, CacheError> {
        on!(self, LeaseResult::Taken, try_lease(id, token, seen))
    }

    /// Enters a place where who waits for the id is woken; `None` where nobody ever has to wait.
    pub(crate) fn wait(&self, id: &str) -> Option<Waiting> {
        match self {
            Self::Redis(redis) => Some(redis.wait(id)),
            Self::Cluster(cluster) => Some(cluster.wait(id)),
            Self::Memory(memory) => Some(memory.wait(id)),
            Self::Off => None,
        }
    }

    /// Lets a writer into the lease, beside whoever is at work.
    pub(crate) async fn take_lease(&self, id: &str, token: Token) -> Result<(), CacheError> {
        on!(self, (), take_lease(id, token))
    }

    /// Gives an entry of the lease back.
    pub(crate) async fn release(&self, id: &str, token: Token) -> Result<(), CacheError> {
        on!(self, (), release(id, token))
    }

    pub(crate) async fn put(&self, id: &str, token: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        on!(self, PutResult::Refused, put(id, token, put))
    }

    pub(crate) async fn invalidate(&self, id: &str, version: u64) -> Result<(), CacheError> {
        on!(self, (), invalidate(id, version))
    }

    /// Some ids that the cache holds cells of, and the cursor with which to ask for more; 0 begins, and says that all were given.
    pub(crate) async fn some_ids(&self, cursor: u64) -> Result<(u64, Vec<String>), CacheError> {
        on!(self, (0, Vec::new()), some_ids(cursor))
    }

    /// Takes or keeps a lead. Without a cache that is shared, every process leads.
    pub(crate) async fn lead(&self, lead: Lead, token: Token) -> Result<bool, CacheError> {
        on!(self, false, lead(lead, token))
    }

    pub(crate) async fn release_lead(&self, lead: Lead, token: Token) -> Result<(), CacheError> {
        on!(self, (), release_lead(lead, token))
    }

    /// Tells every process that the change stream is live, and how far it is behind.
    pub(crate) async fn send_heartbeat(&self, lag: Duration) -> Result<(), CacheError> {
        on!(self, (), send_heartbeat(lag))
    }

    /// Tells every process that no cell whose load began before now may be answered; this moment in milliseconds since 1970 on
    /// the clock of the cache.
    pub(crate) async fn invalidate_all(&self) -> Result<u64, CacheError> {
        on!(self, 0, invalidate_all())
    }

    /// Whether several servers are the cache, so that one may be away while the others are not.
    pub(crate) fn is_divided(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Everything that the server of this id holds is invalidated as soon as it takes that, if it is one of several; else nothing
    /// happens, and the answer is `false`.
    pub(crate) fn owe(&self, id: &str) -> bool {
        let Self::Cluster(cluster) = self else { return false };
        cluster.owe(id);
        true
    }

    /// Whether some server is still to be told that everything is invalid.
    pub(crate) fn owes(&self) -> bool {
        matches!(self, Self::Cluster(cluster) if cluster.owes())
    }

    /// Removes the cell and the lease of an id: always safe, since a fill then needs a new lease.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), CacheError> {
        on!(self, (), remove(id))
    }
}

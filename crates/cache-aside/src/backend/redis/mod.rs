//! The cache in Redis: cells, leases and the scripts that decide over them. What runs on its connection runs here: the breaker
//! hears of every failure, and the log of every refusal.

mod access;
mod auto_pipelining;
mod batch;
mod causes;
mod cells;
mod cluster;
mod connection;
mod control;
mod endpoint;
mod failovers;
mod health;
mod incarnation;
mod inspect;
mod keys;
mod leases;
mod mget;
mod refusals;
mod rights;
mod scripts;
mod sentinels;
mod subscription;
mod synchronization;
mod tls;
mod topology;

use std::future::Future;
use std::sync::{Arc, Mutex};

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{RedisResult, Value, from_redis_value};

use self::auto_pipelining::AutoPipelining;
pub(crate) use self::cluster::{ClusterCache, Nodes};
use self::connection::{Connection, Pool};
pub(crate) use self::endpoint::Endpoint;
use self::failovers::Failovers;
use self::incarnation::{Incarnation, Place};
use self::keys::Keys;
use self::refusals::Refusals;
pub(crate) use self::rights::MissingRight;
use self::scripts::{By, Script};
use self::subscription::{Announced, Subscription};
use self::synchronization::Synchronization;
use super::waiters::Waiters;
use crate::breaker::{Breaker, Guarded};
use crate::clock::Clock;
use crate::error::CacheError;
use crate::identity::Identity;
use crate::l1::L1;
use crate::options::Options;
use crate::peers::{PeerTexts, Peers};
use crate::timeline::Timeline;
use crate::validity::Validity;

/// One worker's access to Redis.
#[derive(Clone)]
pub(crate) struct RedisCache {
    connection: Connection,
    pipelining: Arc<AutoPipelining>,
    shared: Arc<Shared>,
}

/// What one server differs by from another.
struct Server {
    endpoint: Endpoint,
    timeline: Arc<Timeline>,
    place: Place,
    breaker: Breaker,
    waiters: Waiters,
}

struct Shared {
    pool: Pool,
    endpoint: Endpoint,
    incarnation: Arc<Incarnation>,
    /// Whether it is one of a cluster.
    is_part: bool,
    validity: Arc<Validity>,
    timeline: Arc<Timeline>,
    /// Which store the cells are of, if it says so.
    identity: Option<Identity>,
    waiters: Waiters,
    peers: Peers,
    keys: Keys,
    breaker: Breaker,
    refusals: Refusals,
    options: Options,
}

impl RedisCache {
    /// A server that holds all that is cached.
    pub(crate) fn new(
        endpoint: Endpoint,
        prefix: &str,
        options: &Options,
        validity: Arc<Validity>,
        identity: Option<Identity>,
    ) -> Self {
        let timeline = Arc::new(Timeline::new(Clock::of_redis(), Arc::clone(&validity)));
        let events = Arc::clone(validity.events());
        let breaker = Breaker::new(Guarded::Cache, options.breaker_failures, options.breaker_pause, events);
        let server = Server { endpoint, timeline, place: Place::Alone, breaker, waiters: Waiters::default() };
        Self::of(server, prefix, options, validity, identity)
    }

    fn of(
        server: Server,
        prefix: &str,
        options: &Options,
        validity: Arc<Validity>,
        identity: Option<Identity>,
    ) -> Self {
        let Server { endpoint, timeline, place, breaker, waiters } = server;
        let pool = connection::pool(endpoint.clone(), options.redis_timeout);
        let keys = Keys::new(prefix, endpoint.database().into());
        let address = place.address().map(str::to_owned);
        let incarnation = Incarnation::new(keys.clone(), place, Arc::clone(&timeline));
        let shared = Shared {
            endpoint,
            incarnation: Arc::new(incarnation),
            is_part: address.is_some(),
            validity,
            timeline,
            identity,
            waiters,
            peers: Peers::default(),
            keys,
            breaker,
            refusals: Refusals::new(address),
            options: options.clone(),
            pool,
        };
        Self::over(Arc::new(shared))
    }

    /// The same cache over a connection of its own.
    pub(crate) fn per_worker(&self) -> Self {
        Self::over(Arc::clone(&self.shared))
    }

    fn over(shared: Arc<Shared>) -> Self {
        let incarnation = Arc::clone(&shared.incarnation);
        let Shared { pool, keys, options, .. } = &*shared;
        let connection = Connection::new(pool.clone(), incarnation, keys.control(), options.redis_timeout);
        Self { connection, pipelining: Arc::default(), shared }
    }

    /// What this process receives from the others; `l1` is told of invalidations.
    pub(crate) fn subscription(&self, l1: Option<Arc<L1>>) -> Subscription {
        let Shared { endpoint, keys, options, validity, timeline, identity, waiters, peers, .. } = &*self.shared;
        Subscription {
            announced: Announced::ByOne { endpoint: endpoint.clone(), timeline: Arc::clone(timeline) },
            keys: keys.clone(),
            options: options.clone(),
            validity: Arc::clone(validity),
            identity: identity.clone(),
            other_store: Mutex::default(),
            waiters: waiters.clone(),
            peers: peers.clone(),
            l1,
        }
    }

    /// What this process looks at again and again: the clock of Redis, and the moment from which on cells are valid.
    pub(crate) fn synchronization(&self) -> Synchronization {
        let Shared { endpoint, incarnation, options, .. } = &*self.shared;
        Synchronization { endpoint: endpoint.clone(), incarnation: Arc::clone(incarnation), options: options.clone() }
    }

    /// Where sentinels tell of failovers.
    pub(crate) fn failovers(&self) -> Failovers {
        Failovers { endpoint: self.shared.endpoint.clone() }
    }

    /// What other processes tell from now on.
    pub(crate) fn peer_texts(&self) -> PeerTexts {
        self.shared.peers.texts()
    }

    /// Connections for commands that are open.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.pool.status().size as u64
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        &self.shared.timeline
    }

    async fn call(&self, script: &Script, keys: &[&str], args: &[&[u8]]) -> Result<Value, CacheError> {
        self.change(async |mut connection| {
            let answer = connection.send_packed_command(&script.call(By::Digest, keys, args)).await;
            match answer {
                Ok(answer) if !scripts::is_unknown(&answer) => Ok(answer),
                Err(error) if error.code() != Some("NOSCRIPT") => Err(error),
                _ => connection.send_packed_command(&script.call(By::Text, keys, args)).await,
            }
        })
        .await
    }

    /// Runs commands that change something. If another Redis became the primary meanwhile, they are lost although this one took them.
    async fn change<F>(&self, commands: impl FnOnce(MultiplexedConnection) -> F) -> Result<Value, CacheError>
    where
        F: Future<Output = RedisResult<Value>>,
    {
        let moves = self.connection.moves();
        self.connection.writes();
        let answer = self.run(commands).await;
        self.connection.writes();
        if self.connection.moves() == moves { answer } else { answer.and(Err(CacheError::Moved)) }
    }

    /// Runs commands if the breaker lets them.
    async fn run<F>(&self, commands: impl FnOnce(MultiplexedConnection) -> F) -> Result<Value, CacheError>
    where
        F: Future<Output = RedisResult<Value>>,
    {
        let Some(_pass) = self.shared.breaker.admit() else { return Err(CacheError::BreakerOpen) };
        self.attempt(commands).await
    }

    /// Runs commands, and tells the breaker how they went: a command that Redis refuses is no failure of the connection.
    async fn attempt<F>(&self, commands: impl FnOnce(MultiplexedConnection) -> F) -> Result<Value, CacheError>
    where
        F: Future<Output = RedisResult<Value>>,
    {
        let Shared { breaker, refusals, .. } = &*self.shared;
        let (number, connection) = self.connection.get().await.inspect_err(|error| breaker.failed(error))?;
        let error = match commands(connection).await.and_then(Value::extract_error) {
            Ok(answer) => {
                breaker.succeeded();
                return Ok(answer);
            }
            Err(error) => error,
        };
        // An answer in time that is an error leaves the connection usable; anything else may leave answers of old commands
        // on the way. A primary that became a replica is left for the one that took its place; a connection whose user was
        // changed or removed, for one that says who it is by the password of now.
        let deposed = matches!(error.code(), Some("READONLY" | "NOAUTH"));
        if error.is_timeout() || error.is_io_error() || error.is_unrecoverable_error() || deposed {
            self.connection.discard(number);
        }
        if Refusals::is_refusal(&error) {
            refusals.refused(&error);
            return Err(CacheError::Redis(Arc::new(error)));
        }
        let error = if error.is_timeout() {
            CacheError::Timeout(self.shared.options.redis_timeout)
        } else {
            CacheError::Redis(Arc::new(error))
        };
        if error.is_outage() {
            breaker.failed(&error);
        }
        Err(error)
    }
}

fn word(answer: Value) -> Result<String, CacheError> {
    from_redis_value(answer).map_err(|error| CacheError::Redis(Arc::new(error.into())))
}

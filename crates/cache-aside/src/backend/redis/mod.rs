//! The cache in Redis: cells, leases and the scripts that decide over them.

mod connection;
mod control;
mod incarnation;
mod keys;
mod mget;
mod refusals;
mod rights;
mod scripts;
mod subscription;
mod synchronization;
mod tls;

use std::future::Future;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, Pipeline, RedisError, RedisResult, Value, cmd, from_redis_value,
};
use deadpool_redis::{Manager, Pool, Runtime};

use self::connection::Connection;
use self::incarnation::Incarnation;
use self::keys::Keys;
use self::refusals::Refusals;
pub(crate) use self::rights::MissingRight;
use self::scripts::{By, Script};
use self::subscription::Subscription;
use self::synchronization::Synchronization;
use crate::breaker::{Breaker, Guarded};
use crate::cell::{Cell, Kind, Seen, ZeroPadded};
use crate::clock::Clock;
use crate::error::CacheError;
use crate::l1::L1;
use crate::options::{Options, jittered_ms};
use crate::put::{Put, Token};
use crate::rules::{LeaseResult, PutResult};
use crate::stats::BreakerState;
use crate::validity::Validity;

/// One worker's access to Redis.
#[derive(Clone)]
pub(crate) struct RedisCache {
    connection: Connection,
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    client: Client,
    incarnation: Arc<Incarnation>,
    validity: Arc<Validity>,
    clock: Arc<Clock>,
    /// Which store the cells are of, if it says so.
    identity: Option<String>,
    keys: Keys,
    breaker: Breaker,
    refusals: Refusals,
    options: Options,
}

impl RedisCache {
    pub(crate) fn new(
        url: &::url::Url,
        prefix: &str,
        options: &Options,
        validity: Arc<Validity>,
        clock: Arc<Clock>,
        identity: Option<String>,
    ) -> Result<Self, RedisError> {
        let timeouts = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.redis_timeout));
        if url.scheme() == "rediss" {
            tls::ensure_crypto_provider();
        }
        let manager = Manager::new_with_config(url.as_str(), timeouts)?;
        // One connection for each worker, and workers are few: the pool makes and counts them, it never queues.
        let pool = Pool::builder(manager)
            .max_size(usize::from(u16::MAX))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a pool with a runtime and no timeouts always builds");
        let client = Client::open(url.as_str())?;
        let keys = Keys::new(prefix, client.get_connection_info().redis_settings().db());
        let incarnation = Incarnation::new(keys.incarnation().to_owned(), Arc::clone(&validity), Arc::clone(&clock));
        let shared = Shared {
            client,
            incarnation: Arc::new(incarnation),
            validity,
            clock,
            identity,
            keys,
            breaker: Breaker::new(Guarded::Cache, options.breaker_failures, options.breaker_pause),
            refusals: Refusals::new(),
            options: options.clone(),
            pool,
        };
        Ok(Self::over(Arc::new(shared)))
    }

    /// The same cache over a connection of its own.
    pub(crate) fn per_worker(&self) -> Self {
        Self::over(Arc::clone(&self.shared))
    }

    fn over(shared: Arc<Shared>) -> Self {
        let incarnation = Arc::clone(&shared.incarnation);
        Self { connection: Connection::new(shared.pool.clone(), incarnation, shared.options.redis_timeout), shared }
    }

    /// What this process receives from the others; `l1` is told of invalidations.
    pub(crate) fn subscription(&self, l1: Option<Arc<L1>>) -> Subscription {
        let Shared { client, keys, options, validity, clock, identity, .. } = &*self.shared;
        Subscription {
            client: client.clone(),
            keys: keys.clone(),
            options: options.clone(),
            validity: Arc::clone(validity),
            clock: Arc::clone(clock),
            identity: identity.clone(),
            other_store: Mutex::default(),
            l1,
        }
    }

    /// What this process looks at again and again: the clock of Redis, and the moment from which on cells are valid.
    pub(crate) fn synchronization(&self) -> Synchronization {
        let Shared { client, incarnation, options, .. } = &*self.shared;
        Synchronization { client: client.clone(), incarnation: Arc::clone(incarnation), options: options.clone() }
    }

    pub(crate) fn breaker_state(&self) -> BreakerState {
        self.shared.breaker.state()
    }

    /// Asks whether Redis answers, whatever the breaker thinks; an answer closes it. Where it refused writes, it is asked
    /// for one.
    pub(crate) async fn ping(&self) -> Result<(), CacheError> {
        let ping = cmd("PING");
        let answer = self.attempt(async |mut connection| connection.send_packed_command(&ping).await).await;
        answer.inspect_err(|error| self.shared.breaker.open(error))?;
        if self.write_refusal().is_some() && self.try_to_write().await.is_ok() {
            self.shared.refusals.over();
        }
        Ok(())
    }

    /// Why Redis refuses writes although it answers reads, in its own words.
    pub(crate) fn write_refusal(&self) -> Option<String> {
        self.shared.refusals.cause()
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Option<Cell>, CacheError> {
        let key = self.shared.keys.cell(id);
        let mut get = cmd("GET");
        get.arg(&key);
        match self.run(async |mut connection| connection.send_packed_command(&get).await).await {
            Ok(Value::Nil) => Ok(None),
            Ok(Value::BulkString(bytes)) => match Cell::decode(Bytes::from(bytes)) {
                Some(cell) => Ok(Some(cell)),
                None => self.remove_unreadable(id, &key).await,
            },
            Err(error) if error.is_wrong_type() => self.remove_unreadable(id, &key).await,
            Ok(_) => Err(CacheError::Layout(key)),
            Err(error) => Err(error),
        }
    }

    /// What cannot be read is removed, as if it had been evicted: it would be in the way of every fill.
    async fn remove_unreadable(&self, id: &str, key: &str) -> Result<Option<Cell>, CacheError> {
        tracing::debug!(key, "what Redis holds here is no cell of this release: it is removed");
        self.remove(id).await.map(|()| None)
    }

    /// Takes the lease if nobody has it, unless the cell is another than the caller has seen.
    pub(crate) async fn try_lease(&self, id: &str, token: Token, seen: Seen) -> Result<LeaseResult, CacheError> {
        let keys = &self.shared.keys;
        let (lease_ms, seen) = (self.lease_ms().to_string(), seen.text());
        let args = [&new_lease(token)[..], lease_ms.as_bytes(), &seen];
        let (cell, lease) = (keys.cell(id), keys.lease(id));
        let answer = match self.call(&scripts::LEASE, &[&cell, &lease], &args).await {
            Err(error) if error.is_wrong_type() => {
                self.remove(id).await?;
                self.call(&scripts::LEASE, &[&cell, &lease], &args).await?
            }
            answer => answer?,
        };
        Ok(match word(answer)?.as_str() {
            "taken" => LeaseResult::Taken,
            "held" => LeaseResult::Held,
            _ => LeaseResult::Filled,
        })
    }

    /// Takes the lease over, whoever has it.
    pub(crate) async fn take_lease(&self, id: &str, token: Token) -> Result<(), CacheError> {
        let mut set = cmd("SET");
        set.arg(self.shared.keys.lease(id)).arg(&new_lease(token)[..]).arg("PX").arg(self.lease_ms());
        self.run(async |mut connection| connection.send_packed_command(&set).await).await?;
        self.shared.refusals.accepted();
        Ok(())
    }

    /// Gives the lease back, if it is still this one.
    pub(crate) async fn release(&self, id: &str, token: Token) -> Result<(), CacheError> {
        self.call(&scripts::RELEASE, &[&self.shared.keys.lease(id)], &[&token.text()]).await.map(drop)
    }

    pub(crate) async fn put(&self, id: &str, token: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        let result = match self.try_put(id, token, put).await {
            Err(error) if error.is_mended_by_removal() => self.remove(id).await.map(|()| PutResult::Raised),
            result => result,
        };
        if let Ok(PutResult::Stored) = result {
            self.shared.refusals.accepted();
        }
        result
    }

    async fn try_put(&self, id: &str, token: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        let Shared { keys, options, .. } = &*self.shared;
        let token = token.map_or_else(Default::default, |token| token.text().to_vec());
        let stage = keys.stage(id, std::str::from_utf8(&token).unwrap_or_default());
        let names = [&*keys.cell(id), &keys.lease(id), &stage];
        let cell = put.cell.encode();
        let ttl_ms = put.ttl_ms.to_string();
        let tombstone_ms = jittered_ms(options.tombstone, 0.5).to_string();
        let version: [u8; 16] = put.cell.version.zero_padded();
        let (kind, header_rest) = match put.cell.kind {
            Kind::Value => (&b"V"[..], &b""[..]),
            Kind::Absent | Kind::Tombstone => (&b"N"[..], &cell[18..]),
        };
        let args = [
            &*token,
            kind,
            &version,
            ttl_ms.as_bytes(),
            tombstone_ms.as_bytes(),
            keys.channel().as_bytes(),
            id.as_bytes(),
            header_rest,
        ];
        // Without a token nothing can be stored, so there is nothing to stage.
        if put.cell.kind != Kind::Value || token.is_empty() {
            return self.call(&scripts::PUT, &names, &args).await.and_then(put_result);
        }
        let mut staged = cmd("SET");
        staged.arg(&stage).arg(&cell).arg("PX").arg(&ttl_ms);
        self.run(async |mut connection| {
            let mut answer = Value::Nil;
            for by in [By::Digest, By::Text] {
                let mut both = Pipeline::with_capacity(2);
                both.add_command(staged.clone()).add_command(scripts::PUT.call(by, &names, &args));
                let mut answers = connection.send_packed_commands(&both, 0, 2).await?;
                answer = answers.pop().unwrap_or(Value::Nil);
                if !is_noscript(&answer) {
                    break;
                }
            }
            Ok(answer)
        })
        .await
        .and_then(put_result)
    }

    /// Raises the floor to `version`.
    pub(crate) async fn invalidate(&self, id: &str, version: u64) -> Result<(), CacheError> {
        let Shared { keys, options, .. } = &*self.shared;
        let version: [u8; 16] = version.zero_padded();
        let tombstone_ms = jittered_ms(options.tombstone, 0.5).to_string();
        let args = [&version[..], tombstone_ms.as_bytes(), keys.channel().as_bytes(), id.as_bytes()];
        match self.call(&scripts::INVALIDATE, &[&keys.cell(id), &keys.lease(id)], &args).await {
            Err(error) if error.is_mended_by_removal() => self.remove(id).await,
            done => done.map(drop),
        }
    }

    /// Removes the cell and the lease of the id.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), CacheError> {
        let keys = &self.shared.keys;
        let args = [keys.channel().as_bytes(), id.as_bytes()];
        self.call(&scripts::REMOVE, &[&keys.cell(id), &keys.lease(id)], &args).await.map(drop)
    }

    async fn call(&self, script: &Script, keys: &[&str], args: &[&[u8]]) -> Result<Value, CacheError> {
        self.run(async |mut connection| {
            let answer = connection.send_packed_command(&script.call(By::Digest, keys, args)).await;
            match answer {
                Ok(answer) if !is_noscript(&answer) => Ok(answer),
                Err(error) if error.code() != Some("NOSCRIPT") => Err(error),
                _ => connection.send_packed_command(&script.call(By::Text, keys, args)).await,
            }
        })
        .await
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
        // on the way. A primary that became a replica is left for the one that took its place.
        let deposed = error.code() == Some("READONLY");
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

    fn lease_ms(&self) -> u64 {
        self.shared.options.lease.as_millis() as u64
    }
}

/// Token, floor 0, absence not seen: see `put.lua`.
fn new_lease(token: Token) -> [u8; 33] {
    let mut lease = [b'0'; 33];
    lease[..16].copy_from_slice(&token.text());
    lease
}

fn put_result(answer: Value) -> Result<PutResult, CacheError> {
    match word(answer)?.as_str() {
        "stored" => Ok(PutResult::Stored),
        "raised" => Ok(PutResult::Raised),
        _ => Ok(PutResult::Refused),
    }
}

fn word(answer: Value) -> Result<String, CacheError> {
    from_redis_value(answer).map_err(|error| CacheError::Redis(Arc::new(error.into())))
}

fn is_noscript(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.code() == "NOSCRIPT")
}

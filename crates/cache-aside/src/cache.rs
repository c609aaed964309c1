//! `Cache`: Redis, in-process or none behind one enum. The last is the baseline: every read goes to the store.

use std::time::Duration;

use crate::cell::{Cell, Seen};
use crate::error::CacheError;
use crate::memory::MemoryCache;
use crate::redis::RedisCache;
use crate::rules::{LeaseResult, PutResult};
use crate::teeth::{self, Guard};

/// One worker's access to the cache.
#[derive(Clone)]
pub(crate) enum Cache {
    Redis(RedisCache),
    Memory(MemoryCache),
    Off,
}

/// Names one holding of a lease. Random for each fill and each write: two fills of one process must not share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token([u8; 16]);

impl Token {
    pub(crate) fn random() -> Self {
        let mut text = [0; 16];
        let mut bits: u64 =
            if teeth::is_off(Guard::TokenPerFill) { u64::from(std::process::id()) } else { rand::random() };
        for digit in &mut text {
            *digit = b"0123456789abcdef"[(bits & 15) as usize];
            bits >>= 4;
        }
        Self(text)
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn text(self) -> [u8; 16] {
        self.0
    }
}

/// What a put offers.
#[derive(Debug, Clone)]
pub(crate) struct Put {
    /// A value, or absence.
    pub(crate) cell: Cell,
    /// How long the cell is kept, milliseconds.
    pub(crate) ttl_ms: u64,
}

/// The same call on whichever cache there is; `$off` is the answer of none.
macro_rules! on {
    ($cache:expr, $off:expr, $name:ident($($arg:expr),*)) => {
        match $cache {
            Cache::Redis(redis) => redis.$name($($arg),*).await,
            Cache::Memory(memory) => Ok(memory.$name($($arg),*)),
            Cache::Off => Ok($off),
        }
    };
}

impl Cache {
    pub(crate) fn per_worker(&self) -> Self {
        match self {
            Self::Redis(redis) => Self::Redis(redis.per_worker()),
            other => other.clone(),
        }
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Option<Cell>, CacheError> {
        on!(self, None, get(id))
    }

    /// Takes the lease if nobody has it, unless the cell is another than the caller has seen.
    pub(crate) async fn try_lease(&self, id: &str, token: Token, seen: Seen) -> Result<LeaseResult, CacheError> {
        on!(self, LeaseResult::Taken, try_lease(id, token, seen))
    }

    pub(crate) async fn take_lease(&self, id: &str, token: Token) -> Result<(), CacheError> {
        on!(self, (), take_lease(id, token))
    }

    pub(crate) async fn release(&self, id: &str, token: Token) -> Result<(), CacheError> {
        on!(self, (), release(id, token))
    }

    pub(crate) async fn put(&self, id: &str, token: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        on!(self, PutResult::Refused, put(id, token, put))
    }

    pub(crate) async fn invalidate(&self, id: &str, version: u64) -> Result<(), CacheError> {
        on!(self, (), invalidate(id, version))
    }

    /// Some ids that it holds cells of, and the cursor with which to ask for more; 0 begins, and says that all were given.
    pub(crate) async fn some_ids(&self, cursor: u64) -> Result<(u64, Vec<String>), CacheError> {
        on!(self, (0, Vec::new()), some_ids(cursor))
    }

    /// Takes or keeps the lead over the change stream. Without a cache that is shared, every process leads.
    pub(crate) async fn lead(&self, token: Token) -> Result<bool, CacheError> {
        on!(self, false, lead(token))
    }

    pub(crate) async fn release_lead(&self, token: Token) -> Result<(), CacheError> {
        on!(self, (), release_lead(token))
    }

    /// Tells every process that the change stream is so far behind.
    pub(crate) async fn beat(&self, lag: Duration) -> Result<(), CacheError> {
        on!(self, (), beat(lag))
    }

    /// Tells every process that no cell filled before `at_ms` (milliseconds since 1970) is to be believed.
    pub(crate) async fn distrust_before(&self, at_ms: u64) -> Result<(), CacheError> {
        on!(self, (), distrust_before(at_ms))
    }

    pub(crate) async fn forget(&self, id: &str) -> Result<(), CacheError> {
        on!(self, (), forget(id))
    }
}

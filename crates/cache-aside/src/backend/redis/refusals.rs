//! `Refusals`: a Redis that answers reads and refuses writes (out of memory, a failed snapshot, too few replicas, a missing
//! right) is known as such. The log says so once with the server's own words, and once when it is over.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_redis::redis::RedisError;

use super::rights::is_unknown_command;

/// How long no write must have been refused until writes count as accepted again: at the edge of its memory a Redis refuses
/// some and takes others.
const QUIET: Duration = Duration::from_secs(5);
/// The errors by which Redis refuses a command that it understood (Redis source, `server.c`).
const CODES: [&str; 5] = ["OOM", "MISCONF", "READONLY", "NOREPLICAS", "NOPERM"];

pub(crate) struct Refusals {
    /// Which server it is, if it is one of a cluster. Only the log says so: others may see the cause who should not.
    server: Option<String>,
    start: Instant,
    /// Milliseconds after `start` of the last refusal; 0 while writes are accepted.
    last_ms: AtomicU64,
    cause: Mutex<Option<String>>,
}

impl Refusals {
    pub(crate) fn new(server: Option<String>) -> Self {
        Self { server, start: Instant::now(), last_ms: AtomicU64::new(0), cause: Mutex::default() }
    }

    /// Whether Redis understood the command and refused it, so that it is no failure of the connection.
    pub(crate) fn is_refusal(error: &RedisError) -> bool {
        error.code().is_some_and(|code| CODES.contains(&code)) || is_unknown_command(error)
    }

    pub(crate) fn refused(&self, error: &RedisError) {
        let first = self.last_ms.swap(self.now_ms(), Ordering::AcqRel) == 0;
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        if first {
            tracing::warn!(
                server = self.server,
                %error,
                "Redis refuses commands: what it holds is still answered, but nothing new is cached until it takes them again"
            );
        }
    }

    /// A write was accepted.
    pub(crate) fn accepted(&self) {
        let last = self.last_ms.load(Ordering::Relaxed);
        if last != 0 && self.now_ms().saturating_sub(last) >= QUIET.as_millis() as u64 {
            self.over();
        }
    }

    /// A write that was made to find out was accepted.
    pub(crate) fn over(&self) {
        if self.last_ms.swap(0, Ordering::AcqRel) != 0 {
            *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = None;
            tracing::info!(server = self.server, "Redis takes commands again: values are cached as usual");
        }
    }

    /// Why writes are refused, in the server's words; `None` while they are accepted.
    pub(crate) fn cause(&self) -> Option<String> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now_ms(&self) -> u64 {
        // Never 0, which says that writes are accepted.
        self.start.elapsed().as_millis() as u64 + 1
    }
}

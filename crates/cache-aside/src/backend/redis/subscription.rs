//! One subscription for each process, by which it receives what the others announce: invalidations for L1, and heartbeats of
//! the change stream. A subscription that is silent or broken clears L1, since something may have been announced meanwhile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_redis::redis::aio::PubSubStream;
use deadpool_redis::redis::{Msg, Value};
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::super::waiters::Waiters;
use super::control::Control;
use super::endpoint::Endpoint;
use super::keys::Keys;
use crate::backoff::Backoff;
use crate::clock::{Clock, now_ms};
use crate::error::CacheError;
use crate::identity::Identity;
use crate::l1::L1;
use crate::options::Options;
use crate::peers::Peers;
use crate::validity::{Cause, Validity};

/// After so long a subscription counts as one that worked.
const LASTING: Duration = Duration::from_secs(2);

pub(crate) struct Subscription {
    pub(crate) endpoint: Endpoint,
    pub(crate) keys: Keys,
    pub(crate) options: Options,
    pub(crate) validity: Arc<Validity>,
    pub(crate) clock: Arc<Clock>,
    /// Which store the cells are of, if it says so.
    pub(crate) identity: Option<Identity>,
    /// The other store under the same prefix that the log named last.
    pub(crate) other_store: Mutex<Option<String>>,
    pub(crate) waiters: Waiters,
    pub(crate) peers: Peers,
    pub(crate) l1: Option<Arc<L1>>,
}

impl Subscription {
    /// Listens until it is dropped.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::new();
        loop {
            let began = Instant::now();
            let Err(error) = self.listen().await;
            self.validity.clear_l1();
            tracing::debug!(%error, "the subscription to invalidations broke: L1 is cleared and refilled when it is back");
            if began.elapsed() > LASTING {
                backoff.reset();
            }
            backoff.pause().await;
        }
    }

    async fn listen(&self) -> Result<std::convert::Infallible, CacheError> {
        let patience = self.options.connect_timeout;
        let moves = self.endpoint.moves();
        let connection = self.endpoint.subscribe().await.map_err(CacheError::Connect)?;
        let (mut sink, mut messages) = connection.split();
        let mut channels = vec![self.keys.control()];
        if self.l1.is_some() {
            channels.push(self.keys.channel());
        }
        in_time(patience, sink.subscribe(channels)).await?;
        // What was announced until now did not arrive.
        self.validity.clear_l1();
        let mut pings = interval(self.options.heartbeat);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.endpoint.moved_since(moves) => return Err(CacheError::Moved),
                message = messages.next() => self.receive(&message.ok_or(CacheError::Timeout(self.options.heartbeat_timeout))?),
                _ = pings.tick() => {
                    let asked_at = now_ms();
                    in_time(self.options.heartbeat_timeout, sink.ping::<Value>()).await?;
                    self.receive_all(&mut messages);
                    if let Some(l1) = &self.l1 {
                        l1.on_heartbeat(asked_at, self.options.heartbeat_timeout);
                    }
                }
            }
        }
    }

    /// Whatever was announced before the ping has arrived before its answer (Redis manual, "Pub/Sub": one connection
    /// keeps its order).
    fn receive_all(&self, messages: &mut PubSubStream) {
        while let Some(Some(message)) = messages.next().now_or_never() {
            self.receive(&message);
        }
    }

    fn receive(&self, message: &Msg) {
        let text = message.get_payload_bytes();
        if message.get_channel_name() == self.keys.control() {
            self.receive_control(text);
        } else if let Some(l1) = &self.l1
            && let Some((kind, version, id)) = announcement(text)
        {
            // Of absence no version is known that a value could be compared with.
            l1.invalidate(id, (kind == b'V').then_some(version));
        }
    }

    fn receive_control(&self, text: &[u8]) {
        match Control::read(text) {
            Some(Control::Heartbeat { lag, valid_after_ms, store }) => {
                // Repeated here for those who missed it when it was announced. One of the future is of a release that asked
                // the clocks of nodes: what holds instead, Redis says itself (`Synchronization`).
                if valid_after_ms <= self.soon_ms() {
                    self.validity.invalidate_before(valid_after_ms, Cause::Announcement);
                }
                if self.is_of_this_store(store) {
                    let Options { max_lag, heartbeat_timeout, .. } = self.options;
                    self.validity.on_heartbeat(lag, max_lag, now_ms(), heartbeat_timeout);
                }
            }
            Some(Control::InvalidateBefore { at_ms }) => {
                self.validity.invalidate_before(at_ms.min(self.soon_ms()), Cause::Announcement);
            }
            Some(Control::Wake { id }) => self.waiters.wake(&id),
            Some(Control::Peer { text }) => self.peers.receive(&text),
            None => {}
        }
    }

    /// The latest that Redis can have made a moment of: the millisecond after now.
    fn soon_ms(&self) -> u64 {
        self.clock.now().ms + 1
    }

    /// Whether a heartbeat vouches for the store of this process. Releases that named no store are believed.
    fn is_of_this_store(&self, store: Option<String>) -> bool {
        let (Some(own), Some(store)) = (&self.identity, store) else { return true };
        if own.is_same(&store) {
            return true;
        }
        let mut noticed = self.other_store.lock().unwrap_or_else(PoisonError::into_inner);
        if noticed.as_ref() != Some(&store) {
            tracing::error!(
                prefix = self.keys.prefix(),
                store,
                own = own.name,
                "processes over another store use the same prefix, and what they cache is answered here as if it were of this \
                 one: give each store a prefix of its own. Values are fresh for a shorter time meanwhile"
            );
            *noticed = Some(store);
        }
        false
    }
}

/// Kind, version and id: `V0000000000000042id`, as the scripts announce.
fn announcement(text: &[u8]) -> Option<(u8, u64, &str)> {
    let version = std::str::from_utf8(text.get(1..17)?).ok()?.parse().ok()?;
    Some((text[0], version, std::str::from_utf8(&text[17..]).ok()?))
}

async fn in_time<T>(
    patience: Duration,
    step: impl Future<Output = Result<T, deadpool_redis::redis::RedisError>>,
) -> Result<T, CacheError> {
    match timeout(patience, step).await {
        Ok(done) => done.map_err(|error| CacheError::Redis(Arc::new(error))),
        Err(_) => Err(CacheError::Timeout(patience)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_are_read_as_the_scripts_write_them() {
        assert_eq!(announcement(b"V0000000000000042a}b"), Some((b'V', 42, "a}b")));
        assert_eq!(announcement(b"D0000000000000000"), Some((b'D', 0, "")));
        assert_eq!(announcement(b"V42"), None);
        assert_eq!(announcement(b"V000000000000004xid"), None);
    }
}

//! `Peers`: what the processes that share a cache tell each other about themselves. The cache carries the texts and does not look
//! at them.

use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::backend::Backend;
use crate::engine::CacheAside;
use crate::source::Source;

/// Texts that may wait for a reader; one that is slower misses the oldest.
const WAITING: usize = 64;

/// Where the texts of other processes come in.
#[derive(Debug, Clone)]
pub(crate) struct Peers(broadcast::Sender<Arc<str>>);

/// The texts that the processes of one cache tell each other, this one's included.
#[derive(Debug)]
pub struct PeerTexts(broadcast::Receiver<Arc<str>>);

impl Default for Peers {
    fn default() -> Self {
        Self(broadcast::channel(WAITING).0)
    }
}

impl Peers {
    pub(crate) fn receive(&self, text: &str) {
        // Without a reader nobody is to be told.
        let _ = self.0.send(text.into());
    }

    pub(crate) fn texts(&self) -> PeerTexts {
        PeerTexts(self.0.subscribe())
    }
}

impl PeerTexts {
    /// The next text; `None` when there will be no more.
    pub async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            match self.0.recv().await {
                Ok(text) => return Some(text),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl<S: Source> CacheAside<S> {
    /// Tells every process that shares this cache a text, this one included. It goes over the channel on which the processes
    /// announce what they must know of each other: keep it small, and seldom. `false` if the cache did not take it, or is not
    /// shared.
    pub async fn tell_peers(&self, text: &str) -> bool {
        match &self.backend {
            Backend::Redis(redis) => redis.tell_peers(text).await.is_ok(),
            Backend::Memory(_) | Backend::Off => false,
        }
    }

    /// What processes that share this cache tell from now on; `None` if it is not shared.
    pub fn peer_texts(&self) -> Option<PeerTexts> {
        match &self.backend {
            Backend::Redis(redis) => Some(redis.peer_texts()),
            Backend::Memory(_) | Backend::Off => None,
        }
    }
}

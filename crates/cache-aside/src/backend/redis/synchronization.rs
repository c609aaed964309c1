//! Each process looks again and again at what Redis says: its clock, and the moment from which on cells are valid. Whatever a
//! process did not hear, or believed wrongly, is right within a heartbeat.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};

use super::endpoint::Endpoint;
use super::incarnation::Incarnation;
use crate::backoff::Backoff;
use crate::error::CacheError;
use crate::options::Options;

pub(crate) struct Synchronization {
    pub(super) endpoint: Endpoint,
    pub(super) incarnation: Arc<Incarnation>,
    pub(super) options: Options,
}

impl Synchronization {
    /// Looks at every heartbeat, until it is dropped.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::new();
        loop {
            let mut looked = false;
            let Err(error) = self.look_again_and_again(&mut looked).await;
            tracing::debug!(%error, "the clock of Redis cannot be asked for: what is known of it goes on");
            if looked {
                backoff.reset();
            }
            backoff.pause().await;
        }
    }

    async fn look_again_and_again(&self, looked: &mut bool) -> Result<std::convert::Infallible, CacheError> {
        let mut ticks = interval(self.options.heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // On a connection of its own: it is not to count as a new one to a Redis that cannot be recognized.
        while !self.incarnation.is_known() {
            ticks.tick().await;
        }
        let moves = self.endpoint.moves();
        let connected = self.endpoint.connect(self.options.heartbeat_timeout).await;
        let (mut connection, _) = connected.map_err(CacheError::Connect)?;
        let failed = |error| CacheError::Redis(Arc::new(error));
        loop {
            self.incarnation.look_again(&mut connection).await.map_err(failed)?;
            *looked = true;
            if self.endpoint.moves() != moves {
                return Err(CacheError::Moved);
            }
            ticks.tick().await;
        }
    }
}

//! Each process looks again and again at what Redis says: its clock, and the moment from which on cells are valid. Whatever a
//! process did not hear, or believed wrongly, is right within a heartbeat.

use std::sync::Arc;

use deadpool_redis::redis::{AsyncConnectionConfig, Client};
use tokio::time::{MissedTickBehavior, interval};

use super::incarnation::Incarnation;
use crate::backoff::Backoff;
use crate::error::CacheError;
use crate::options::Options;

pub(crate) struct Synchronization {
    pub(super) client: Client,
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
        let timeouts = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect_timeout))
            .set_response_timeout(Some(self.options.heartbeat_timeout));
        let failed = |error| CacheError::Redis(Arc::new(error));
        let connection = self.client.get_multiplexed_async_connection_with_config(&timeouts).await;
        let mut connection = connection.map_err(failed)?;
        loop {
            self.incarnation.look_again(&mut connection).await.map_err(failed)?;
            *looked = true;
            ticks.tick().await;
        }
    }
}

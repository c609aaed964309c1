//! Each process looks again and again at what Redis says: its clock, and the moment from which on cells are valid. Whatever a
//! process did not hear, or believed wrongly, is right within a heartbeat.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{AsyncConnectionConfig, Client};
use tokio::time::{MissedTickBehavior, interval};

use super::incarnation::Incarnation;
use crate::error::CacheError;
use crate::options::Options;

/// The pause between two attempts to connect: the first, doubled each time in vain up to the second; with jitter.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

pub(crate) struct Synchronization {
    pub(super) client: Client,
    pub(super) incarnation: Arc<Incarnation>,
    pub(super) options: Options,
}

impl Synchronization {
    /// Looks at every heartbeat, until it is dropped.
    pub(crate) async fn run(self) {
        let mut pause = RETRY.0;
        loop {
            let mut looks = 0u32;
            let Err(error) = self.look_again_and_again(&mut looks).await;
            tracing::debug!(%error, "the clock of Redis cannot be asked for: what is known of it goes on");
            if looks > 0 {
                pause = RETRY.0;
            }
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(RETRY.1);
        }
    }

    async fn look_again_and_again(&self, looks: &mut u32) -> Result<std::convert::Infallible, CacheError> {
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
            *looks = looks.saturating_add(1);
            ticks.tick().await;
        }
    }
}

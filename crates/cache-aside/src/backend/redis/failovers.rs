//! Sentinels tell of failovers as they make them: connections to a primary that was replaced end at once, also where it goes on as
//! if nothing had happened.

use futures::StreamExt;
use futures::future::join_all;

use super::endpoint::Endpoint;
use crate::backoff::Backoff;
use crate::connect_error::ConnectError;
use crate::error::CacheError;
use crate::redis_url::{Address, Sentinels};

/// What a sentinel announces when it knows of another primary (Redis manual, "Sentinel Pub/Sub messages").
const CHANNEL: &str = "+switch-master";

pub(crate) struct Failovers {
    pub(super) endpoint: Endpoint,
}

impl Failovers {
    /// Listens to every sentinel until it is dropped; ends at once where there are none.
    pub(crate) async fn run(self) {
        let Some(sentinels) = self.endpoint.sentinels() else { return };
        join_all(sentinels.addresses.iter().map(|at| self.listen_again_and_again(at, sentinels))).await;
    }

    async fn listen_again_and_again(&self, at: &Address, sentinels: &Sentinels) {
        let mut backoff = Backoff::new();
        loop {
            let mut listened = false;
            let Err(error) = self.listen(at, sentinels, &mut listened).await;
            tracing::debug!(%error, "a sentinel tells of no failovers: it is asked again and again");
            if listened {
                backoff.reset();
            }
            backoff.pause().await;
        }
    }

    async fn listen(
        &self,
        at: &Address,
        sentinels: &Sentinels,
        listened: &mut bool,
    ) -> Result<std::convert::Infallible, CacheError> {
        let ended =
            || CacheError::Connect(ConnectError::Unreachable { at: at.to_string(), cause: "it hung up".to_owned() });
        // Before the subscription, too: who may not subscribe asks at the pace of the attempts.
        self.endpoint.look_again(sentinels).await.map_err(CacheError::Connect)?;
        let mut connection = self.endpoint.subscribe_to_sentinel(at, sentinels).await.map_err(CacheError::Connect)?;
        connection.subscribe(CHANNEL).await.map_err(|error| CacheError::Redis(error.into()))?;
        // What was announced until now did not arrive.
        self.endpoint.look_again(sentinels).await.map_err(CacheError::Connect)?;
        *listened = true;
        let mut messages = connection.on_message();
        loop {
            let message = messages.next().await.ok_or_else(ended)?;
            let of = message.get_payload_bytes().split(|byte| *byte == b' ').next();
            if of == Some(sentinels.name.as_bytes()) {
                self.endpoint.look_again(sentinels).await.map_err(CacheError::Connect)?;
            }
        }
    }
}

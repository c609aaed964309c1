//! `Endpoint`: where a connection goes, whatever it is for. There is no other place that makes any.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_redis::redis::aio::{MultiplexedConnection, PubSub};
use tokio::sync::Notify;

use super::access::{Access, Credentials};
use super::{sentinels, tls};
use crate::access_files::AccessFiles;
use crate::connect_error::ConnectError;
use crate::redis_url::{Address, RedisUrl, Sentinels, Servers};

/// Clones share what they know of the primary.
#[derive(Clone)]
pub(crate) struct Endpoint {
    servers: Servers,
    access: Access,
    primary: Arc<Primary>,
}

/// Which server is the primary, where sentinels tell.
#[derive(Default)]
struct Primary {
    /// The one that the last connection was made to.
    address: Mutex<Option<Address>>,
    /// Counts how often it was found to be another one.
    moves: AtomicU64,
    moved: Notify,
}

impl Endpoint {
    pub(crate) fn new(url: &RedisUrl, files: &AccessFiles, timeout: Duration) -> Self {
        if url.tls {
            tls::ensure_crypto_provider();
        }
        Self { servers: url.servers.clone(), access: Access::new(url, files, timeout), primary: Arc::default() }
    }

    /// Number of the database.
    pub(crate) fn database(&self) -> u16 {
        self.access.database()
    }

    /// Those who know where the primary is.
    pub(super) fn sentinels(&self) -> Option<&Sentinels> {
        match &self.servers {
            Servers::One(_) => None,
            Servers::Watched(sentinels) => Some(sentinels),
        }
    }

    /// Connections that were made before this number changed are no use any more: they go to the primary of before.
    #[inline]
    pub(crate) fn moves(&self) -> u64 {
        self.primary.moves.load(Ordering::Acquire)
    }

    /// Waits until the primary is another one than when there were so many moves.
    pub(crate) async fn moved_since(&self, moves: u64) {
        loop {
            let moved = self.primary.moved.notified();
            if self.moves() != moves {
                return;
            }
            moved.await;
        }
    }

    /// A connection for commands, which wait so long for their answers, and where it goes to.
    pub(crate) async fn connect(
        &self,
        response_timeout: Duration,
    ) -> Result<(MultiplexedConnection, Address), ConnectError> {
        let credentials = self.access.credentials().await?;
        match &self.servers {
            Servers::One(at) => Ok((credentials.connect(at, response_timeout).await?, at.clone())),
            Servers::Watched(sentinels) => self.connect_to_primary(sentinels, &credentials, response_timeout).await,
        }
    }

    /// A connection for a subscription.
    pub(crate) async fn subscribe(&self) -> Result<PubSub, ConnectError> {
        let credentials = self.access.credentials().await?;
        match &self.servers {
            Servers::One(at) => credentials.subscribe(at).await,
            Servers::Watched(sentinels) => {
                // What is subscribed to cannot be asked for its role.
                let (_asked, at) = self.connect_to_primary(sentinels, &credentials, self.access.timeout()).await?;
                credentials.subscribe(&at).await
            }
        }
    }

    /// A connection by which a sentinel tells of failovers.
    pub(super) async fn subscribe_to_sentinel(
        &self,
        at: &Address,
        sentinels: &Sentinels,
    ) -> Result<PubSub, ConnectError> {
        self.access.credentials().await?.subscribe_to_sentinel(at, sentinels).await
    }

    /// Asks the sentinels where the primary is now. If it is elsewhere, the connections there are go.
    pub(super) async fn look_again(&self, sentinels: &Sentinels) -> Result<(), ConnectError> {
        let credentials = self.access.credentials().await?;
        let Some(now) = sentinels::candidates(sentinels, &credentials).await?.into_iter().next() else { return Ok(()) };
        let mut address = self.address();
        if address.as_ref().is_some_and(|before| *before != now) {
            tracing::info!(primary = %now, "the sentinels name another primary: its cells are used from now on");
            *address = Some(now);
            self.primary.moves.fetch_add(1, Ordering::AcqRel);
            self.primary.moved.notify_waiters();
        }
        Ok(())
    }

    async fn connect_to_primary(
        &self,
        sentinels: &Sentinels,
        credentials: &Credentials,
        response_timeout: Duration,
    ) -> Result<(MultiplexedConnection, Address), ConnectError> {
        let mut first_error = None;
        for at in sentinels::candidates(sentinels, credentials).await? {
            let made = async {
                let mut connection = credentials.connect(&at, response_timeout).await?;
                sentinels::check_role(&mut connection, &at).await?;
                Ok::<_, ConnectError>(connection)
            };
            match made.await {
                Ok(connection) => {
                    *self.address() = Some(at.clone());
                    return Ok((connection, at));
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.expect("there is a candidate, or an error in place of them"))
    }

    fn address(&self) -> std::sync::MutexGuard<'_, Option<Address>> {
        // Replaced as a whole: a panic elsewhere leaves it so.
        self.primary.address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

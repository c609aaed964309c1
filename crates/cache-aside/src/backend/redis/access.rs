//! `Access`: how one server is talked to: by TLS or not, as which user, for how long at most.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::{MultiplexedConnection, PubSub};
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo,
    RedisResult, TlsCertificates,
};

use super::causes;
use crate::access_files::{AccessFiles, Contents, FileError};
use crate::connect_error::ConnectError;
use crate::redis_url::{Address, Login, RedisUrl, Sentinels};

/// The same for every server that belongs together. Clones share it.
#[derive(Clone)]
pub(crate) struct Access(Arc<Settings>);

struct Settings {
    tls: bool,
    login: Login,
    database: u16,
    files: AccessFiles,
    timeout: Duration,
}

/// What a connection is made with, as the files are now.
pub(super) struct Credentials {
    access: Access,
    contents: Contents,
}

impl Access {
    pub(super) fn new(url: &RedisUrl, files: &AccessFiles, timeout: Duration) -> Self {
        let (login, files) = (url.login.clone(), files.clone());
        Self(Arc::new(Settings { tls: url.tls, login, database: url.database, files, timeout }))
    }

    /// Number of the database.
    pub(super) fn database(&self) -> u16 {
        self.0.database
    }

    /// Deadline of making a connection.
    pub(super) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Reads the files.
    pub(super) async fn credentials(&self) -> Result<Credentials, FileError> {
        Ok(Credentials { access: self.clone(), contents: self.0.files.read().await? })
    }
}

impl Credentials {
    /// A connection for commands to a server, which wait so long for their answers.
    pub(super) async fn connect(
        &self,
        at: &Address,
        response_timeout: Duration,
    ) -> Result<MultiplexedConnection, ConnectError> {
        let config = AsyncConnectionConfig::new()
            // The deadline is of the whole, name and password included: see `in_time`.
            .set_connection_timeout(None)
            .set_response_timeout(Some(response_timeout));
        let (login, database) = (self.login(), self.access.database());
        let connect =
            async { self.client(at, &login, database)?.get_multiplexed_async_connection_with_config(&config).await };
        self.in_time(at, connect).await?.map_err(|error| causes::of(&error, at, &login))
    }

    /// A connection for a subscription to a server.
    pub(super) async fn subscribe(&self, at: &Address) -> Result<PubSub, ConnectError> {
        let (login, database) = (self.login(), self.access.database());
        let connect = async { self.client(at, &login, database)?.get_async_pubsub().await };
        self.in_time(at, connect).await?.map_err(|error| causes::of(&error, at, &login))
    }

    /// A connection to a sentinel.
    pub(super) async fn connect_to_sentinel(
        &self,
        at: &Address,
        sentinels: &Sentinels,
    ) -> Result<MultiplexedConnection, ConnectError> {
        let login = self.sentinel_login(sentinels);
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(self.timeout()));
        let connect = async { self.client(at, &login, 0)?.get_multiplexed_async_connection_with_config(&config).await };
        self.in_time(at, connect).await?.map_err(|error| causes::of_sentinel(&error, at, &login))
    }

    /// A connection for a subscription to a sentinel.
    pub(super) async fn subscribe_to_sentinel(
        &self,
        at: &Address,
        sentinels: &Sentinels,
    ) -> Result<PubSub, ConnectError> {
        let login = self.sentinel_login(sentinels);
        let connect = async { self.client(at, &login, 0)?.get_async_pubsub().await };
        self.in_time(at, connect).await?.map_err(|error| causes::of_sentinel(&error, at, &login))
    }

    /// Deadline of making a connection.
    pub(super) fn timeout(&self) -> Duration {
        self.access.timeout()
    }

    fn sentinel_login(&self, sentinels: &Sentinels) -> Login {
        let Login { user, password } = sentinels.login.clone();
        Login { user, password: self.contents.sentinel_password.clone().or(password) }
    }

    fn login(&self) -> Login {
        let Login { user, password } = self.access.0.login.clone();
        Login { user, password: self.contents.password.clone().or(password) }
    }

    fn client(&self, at: &Address, login: &Login, database: u16) -> RedisResult<Client> {
        let Settings { tls, .. } = *self.access.0;
        let mut redis = RedisConnectionInfo::default().set_db(i64::from(database));
        if let Some(user) = &login.user {
            redis = redis.set_username(user);
        }
        if let Some(password) = &login.password {
            redis = redis.set_password(password);
        }
        let Address { host, port } = at.clone();
        if !tls {
            return Client::open(ConnectionAddr::Tcp(host, port).into_connection_info()?.set_redis_settings(redis));
        }
        let address = ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
        let client = self.contents.client.as_ref();
        let certificates = TlsCertificates {
            client_tls: client.map(|client| ClientTlsConfig {
                client_cert: client.certificate.clone(),
                client_key: client.key.clone(),
            }),
            root_cert: self.contents.authorities.clone(),
        };
        Client::build_with_tls(address.into_connection_info()?.set_redis_settings(redis), certificates)
    }

    async fn in_time<T>(&self, at: &Address, connect: impl Future<Output = T>) -> Result<T, ConnectError> {
        let after = self.timeout();
        let made = tokio::time::timeout(after, connect).await;
        made.map_err(|_| ConnectError::Timeout { at: at.to_string(), tls: self.access.0.tls, after })
    }
}

//! `Redis`: the run's own look into the cache, and what can be done to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cache_aside::cell::{Cell, Kind};
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{AsyncConnectionConfig, Client, Connection, FromRedisValue, RedisResult, cmd};
use test_servers::{RedisCluster, RedisServer, Reply, SentinelSet};

use crate::error::CheckError;
use crate::history::CellSeen;

/// First part of every key, as the service has it by default.
const PREFIX: &str = "todo";

/// How many servers of a cluster have slots; each has a replica.
const PRIMARIES: usize = 3;
/// The servers that have slots go on while others do not.
const PARTS: [&str; 2] = ["--cluster-require-full-coverage", "no"];
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One Redis, one with a replica and sentinels, or a Redis Cluster, over all restarts.
pub struct Redis {
    servers: Mutex<Servers>,
    url: String,
    port: u16,
    incarnation: AtomicU32,
}

enum Servers {
    One(RedisServer),
    Cluster(RedisCluster),
    Watched(SentinelSet),
}

impl Redis {
    pub(super) fn start() -> Self {
        let server = RedisServer::start();
        let (url, port) = (server.url(), server.port());
        Self { url, port, servers: Mutex::new(Servers::One(server)), incarnation: AtomicU32::new(0) }
    }

    pub(super) fn start_cluster() -> Self {
        let cluster = RedisCluster::start_with(PRIMARIES, 1, &PARTS);
        let (url, port) = (cluster.url(), cluster.node(0).port());
        Self { url, port, servers: Mutex::new(Servers::Cluster(cluster)), incarnation: AtomicU32::new(0) }
    }

    pub(super) fn start_with_sentinels() -> Self {
        let set = SentinelSet::start();
        let (url, port) = (set.url(), set.server(0).port());
        Self { url, port, servers: Mutex::new(Servers::Watched(set)), incarnation: AtomicU32::new(0) }
    }

    /// Whether it is one server for good.
    pub fn is_one(&self) -> bool {
        matches!(*self.servers(), Servers::One(_))
    }

    /// Whether it is a cluster.
    pub fn is_cluster(&self) -> bool {
        matches!(*self.servers(), Servers::Cluster(_))
    }

    /// Does something with the cluster; nothing where there is none.
    pub fn with_cluster<T>(&self, act: impl FnOnce(&mut RedisCluster) -> T) -> Option<T> {
        match &mut *self.servers() {
            Servers::One(_) | Servers::Watched(_) => None,
            Servers::Cluster(cluster) => Some(act(cluster)),
        }
    }

    /// Does something with the servers that sentinels watch; nothing where there are none.
    pub fn with_sentinels<T>(&self, act: impl FnOnce(&mut SentinelSet) -> T) -> Option<T> {
        match &mut *self.servers() {
            Servers::One(_) | Servers::Cluster(_) => None,
            Servers::Watched(set) => Some(act(set)),
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Its port, or that of the first server, the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How often it has lost its memory.
    pub fn incarnation(&self) -> u32 {
        self.incarnation.load(Ordering::Acquire)
    }

    /// A connection that waits.
    ///
    /// # Errors
    /// Redis does not answer.
    pub fn connect(&self) -> RedisResult<Connection> {
        let connection = Client::open(self.primary())?.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// The server that takes commands.
    fn primary(&self) -> String {
        match &*self.servers() {
            Servers::Watched(set) => set.server(set.wait_for_any_primary()).url(),
            Servers::One(_) | Servers::Cluster(_) => self.url(),
        }
    }

    /// A connection for tasks, to the one Redis that there is.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn connect_async(&self) -> RedisResult<MultiplexedConnection> {
        // The driver's own are half a second and a second: a machine that is busy takes longer.
        let patient =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let primary = tokio::task::block_in_place(|| self.primary());
        Client::open(primary)?.get_multiplexed_async_connection_with_config(&patient).await
    }

    /// Runs one command.
    ///
    /// # Errors
    /// Redis does not answer, or says no.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        cmd(words[0]).arg(&words[1..]).query(&mut self.connect()?)
    }

    /// Saves what it holds, to come back as it was.
    ///
    /// # Errors
    /// It cannot be saved.
    pub fn save_snapshot(&self) -> Result<(), CheckError> {
        self.command::<()>(&["SAVE"])?;
        std::fs::rename(self.dump()?, self.saved()?)?;
        Ok(())
    }

    /// Kills it (SIGKILL) and starts it again, empty.
    ///
    /// # Errors
    /// It does not say where its files are.
    pub fn restart_empty(&self) -> Result<(), CheckError> {
        // Nothing saves by itself; what `SAVE` wrote was moved away.
        self.restart();
        Ok(())
    }

    /// Kills it and starts it again as it was when [`Redis::save_snapshot`] was last called.
    ///
    /// # Errors
    /// There is no snapshot.
    pub fn restart_from_snapshot(&self) -> Result<(), CheckError> {
        let (saved, dump) = (self.saved()?, self.dump()?);
        std::fs::copy(saved, &dump)?;
        self.restart();
        std::fs::remove_file(dump)?;
        Ok(())
    }

    fn restart(&self) {
        if let Servers::One(server) = &mut *self.servers() {
            server.stop();
            self.incarnation.fetch_add(1, Ordering::AcqRel);
            server.restart();
        }
    }

    fn dump(&self) -> Result<PathBuf, CheckError> {
        let (_, folder): (String, String) = self.command(&["CONFIG", "GET", "dir"])?;
        Ok(PathBuf::from(folder).join("dump.rdb"))
    }

    fn saved(&self) -> Result<PathBuf, CheckError> {
        Ok(self.dump()?.with_file_name("saved.rdb"))
    }

    fn servers(&self) -> MutexGuard<'_, Servers> {
        // A restart that panicked has said why; the next one starts the server anew.
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of an id's cell (ARCHITECTURE.md, "What is stored").
pub fn cell_key(id: &str) -> String {
    format!("{PREFIX}:{{{}}}", id.replace('%', "%25").replace('}', "%7D"))
}

/// What the cell of `id` says.
///
/// # Errors
/// Redis does not answer.
pub async fn look(connection: &mut MultiplexedConnection, id: &str) -> RedisResult<CellSeen> {
    Ok(seen(cmd("GET").arg(cell_key(id)).query_async(connection).await?))
}

/// What the cell of `id` in a cluster says.
pub fn look_in_cluster(cluster: &RedisCluster, id: &str) -> CellSeen {
    let key = cell_key(id);
    let server = cluster.server_of(cluster.slot(&key));
    match server.map(|server| cluster.ask(server, &["GET", &key])) {
        Some(Reply::Text(cell)) => seen(Some(cell.into_bytes())),
        _ => CellSeen::Nothing,
    }
}

fn seen(bytes: Option<Vec<u8>>) -> CellSeen {
    let Some(cell) = bytes.and_then(|bytes| Cell::decode(Bytes::from(bytes))) else { return CellSeen::Nothing };
    let body = String::from_utf8_lossy(&cell.body);
    match cell.kind {
        Kind::Value => CellSeen::Value(cell.version, body.into()),
        Kind::Absent => CellSeen::Absent(cell.version),
        Kind::Tombstone => CellSeen::Tombstone(cell.version),
    }
}

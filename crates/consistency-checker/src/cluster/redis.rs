//! `Redis`: the run's own look into the cache, and what can be done to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cache_aside::cell::{Cell, Kind};
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{AsyncConnectionConfig, Client, Connection, FromRedisValue, RedisResult, cmd};
use test_servers::RedisServer;

use crate::error::CheckError;
use crate::history::CellSeen;

/// First part of every key, as the service has it by default.
const PREFIX: &str = "todo";

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One Redis, over all its restarts.
pub struct Redis {
    server: Mutex<RedisServer>,
    url: String,
    port: u16,
    incarnation: AtomicU32,
}

impl Redis {
    pub(super) fn start() -> Self {
        let server = RedisServer::start();
        Self { url: server.url(), port: server.port(), server: Mutex::new(server), incarnation: AtomicU32::new(0) }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Its port, the same over restarts.
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
        let connection = Client::open(self.url.as_str())?.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// A connection for tasks.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn connect_async(&self) -> RedisResult<MultiplexedConnection> {
        // The driver's own are half a second and a second: a machine that is busy takes longer.
        let patient =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        Client::open(self.url.as_str())?.get_multiplexed_async_connection_with_config(&patient).await
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
        let mut server = self.server();
        server.stop();
        self.incarnation.fetch_add(1, Ordering::AcqRel);
        server.restart();
    }

    fn dump(&self) -> Result<PathBuf, CheckError> {
        let (_, folder): (String, String) = self.command(&["CONFIG", "GET", "dir"])?;
        Ok(PathBuf::from(folder).join("dump.rdb"))
    }

    fn saved(&self) -> Result<PathBuf, CheckError> {
        Ok(self.dump()?.with_file_name("saved.rdb"))
    }

    fn server(&self) -> MutexGuard<'_, RedisServer> {
        // A restart that panicked has said why; the next one starts the server anew.
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
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
    let bytes: Option<Vec<u8>> = cmd("GET").arg(cell_key(id)).query_async(connection).await?;
    let Some(cell) = bytes.and_then(|bytes| Cell::decode(Bytes::from(bytes))) else { return Ok(CellSeen::Nothing) };
    let body = String::from_utf8_lossy(&cell.body);
    Ok(match cell.kind {
        Kind::Value => CellSeen::Value(cell.version, body.into()),
        Kind::Absent => CellSeen::Absent(cell.version),
        Kind::Tombstone => CellSeen::Tombstone(cell.version),
    })
}

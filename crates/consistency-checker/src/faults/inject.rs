//! How each fault is done, and what is not promised meanwhile.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::pipe;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Fault;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::cluster::redis::cell_key;
use crate::error::CheckError;
use crate::history::{FaultMark, Moment, Suspends, Window};

/// After Redis came back as it was long ago, no answer is older than what was known for longer than this.
const BACK_IN_TIME: Duration = Duration::from_secs(5);
/// How long others may take to notice that a node is gone, and do its work.
const TAKE_OVER: Duration = Duration::from_secs(5);

const BALLAST_KEYS: usize = 400;
const BALLAST_BYTES: usize = 1_000;

/// Breaks things in one cluster.
pub(super) struct Injector {
    pub(super) cluster: Arc<Cluster>,
    pub(super) clock: Clock,
    pub(super) ids: Vec<Arc<str>>,
    pub(super) random: ChaCha8Rng,
}

/// What was done.
pub(super) struct Done {
    pub(super) mark: FaultMark,
    pub(super) window: Option<Window>,
}

impl Injector {
    pub(super) async fn inject(&mut self, fault: Fault) -> Result<Done, CheckError> {
        let from = self.clock.now();
        let mut id = None;
        let (what, window) = match fault {
            Fault::Flush => (self.redis(|cluster| cluster.redis.command::<()>(&["FLUSHALL"])).await?, None),
            Fault::Evict => (self.redis(evict).await?, None),
            Fault::Cell | Fault::Lease => {
                let one = Arc::clone(&self.ids[self.random.random_range(0..self.ids.len())]);
                let suffix = if fault == Fault::Lease { ":lease" } else { "" };
                (self.delete(cell_key(id.insert(one)) + suffix).await?, None)
            }
            Fault::Pubsub => (self.kill_clients("pubsub").await?, None),
            Fault::Connections => (self.kill_clients("normal").await?, None),
            Fault::Restart => {
                self.blocking(|cluster| cluster.redis.restart_empty()).await?;
                (None, Some((Suspends::Everything, BACK_IN_TIME)))
            }
            Fault::Snapshot => {
                self.blocking(|cluster| cluster.redis.restart_from_snapshot()).await?;
                (None, Some((Suspends::Everything, BACK_IN_TIME)))
            }
            Fault::Stop => (Some(self.stop_node().await), Some((Suspends::Repairs, TAKE_OVER))),
            Fault::Kill => (Some(self.kill_node().await?), Some((Suspends::Repairs, TAKE_OVER))),
        };
        let until = self.clock.now();
        let what = what.unwrap_or_else(|| describe(fault).to_owned());
        let window = window.map(|(suspends, after)| Window { from, until: until.plus(after), suspends });
        Ok(Done { mark: FaultMark { at: from, until, what, id }, window })
    }

    async fn redis<E>(
        &self,
        run: impl FnOnce(&Cluster) -> Result<(), E> + Send + 'static,
    ) -> Result<Option<String>, CheckError>
    where
        CheckError: From<E>,
        E: Send + 'static,
    {
        self.blocking(move |cluster| run(cluster).map_err(CheckError::from)).await?;
        Ok(None)
    }

    async fn blocking(
        &self,
        run: impl FnOnce(&Cluster) -> Result<(), CheckError> + Send + 'static,
    ) -> Result<(), CheckError> {
        let cluster = Arc::clone(&self.cluster);
        tokio::task::spawn_blocking(move || run(&cluster)).await?
    }

    async fn delete(&self, key: String) -> Result<Option<String>, CheckError> {
        let what = format!("DEL {key}");
        self.redis(move |cluster| cluster.redis.command::<()>(&["DEL", &key])).await?;
        Ok(Some(what))
    }

    async fn kill_clients(&self, kind: &'static str) -> Result<Option<String>, CheckError> {
        self.redis(move |cluster| cluster.redis.command::<()>(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"])).await
    }

    async fn stop_node(&mut self) -> String {
        let number = self.random.random_range(0..self.cluster.nodes.len());
        // Long enough, at times, for its leases to end while it holds them.
        let pause = Duration::from_millis(self.random.random_range(200..4_500));
        let node = &self.cluster.nodes[number];
        node.suspend();
        tokio::time::sleep(pause).await;
        node.resume();
        format!("node {number} stood still for {} ms", pause.as_millis())
    }

    async fn kill_node(&mut self) -> Result<String, CheckError> {
        let number = self.random.random_range(0..self.cluster.nodes.len());
        let pause = Duration::from_millis(self.random.random_range(0..1_500));
        let cluster = Arc::clone(&self.cluster);
        tokio::task::spawn_blocking(move || cluster.nodes[number].kill()).await?;
        tokio::time::sleep(pause).await;
        let cluster = Arc::clone(&self.cluster);
        tokio::task::spawn_blocking(move || cluster.nodes[number].launch()).await?;
        self.cluster.nodes[number].wait_until_ready().await?;
        Ok(format!("node {number} was killed and started again"))
    }
}

/// Less memory than Redis uses, for a moment. Ballast makes sure that there is always something to evict, so that no write
/// is refused; within a second all keys are of one age, so that cells and leases go as well as ballast.
fn evict(cluster: &Cluster) -> Result<(), CheckError> {
    let mut connection = cluster.redis.connect()?;
    let mut fill = pipe();
    for number in 0..BALLAST_KEYS {
        fill.set(format!("ballast:{number}"), vec![b'x'; BALLAST_BYTES]).ignore();
    }
    fill.query::<()>(&mut connection)?;
    let info: String = cluster.redis.command(&["INFO", "memory"])?;
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse::<usize>().ok());
    let used = used.ok_or_else(|| CheckError::Server("INFO memory tells no used_memory".to_owned()))?;
    let limit = used.saturating_sub(BALLAST_KEYS * BALLAST_BYTES / 2).to_string();
    cluster.redis.command::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"])?;
    cluster.redis.command::<()>(&["CONFIG", "SET", "maxmemory", &limit])?;
    std::thread::sleep(Duration::from_millis(100));
    cluster.redis.command::<()>(&["CONFIG", "SET", "maxmemory", "0"])?;
    Ok(())
}

fn describe(fault: Fault) -> &'static str {
    match fault {
        Fault::Flush => "FLUSHALL",
        Fault::Evict => "Redis evicts",
        Fault::Cell => "a cell is deleted",
        Fault::Lease => "a lease is deleted",
        Fault::Pubsub => "CLIENT KILL TYPE pubsub",
        Fault::Connections => "CLIENT KILL TYPE normal",
        Fault::Restart => "Redis was killed and came back empty",
        Fault::Snapshot => "Redis was killed and came back as it was",
        Fault::Stop => "a node stood still",
        Fault::Kill => "a node was killed",
    }
}

/// The end of the last window.
pub(super) fn quiet_from(windows: &[Window]) -> Moment {
    windows.iter().map(|window| window.until).max().unwrap_or_default()
}

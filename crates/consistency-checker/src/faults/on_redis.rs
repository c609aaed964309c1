//! What is done to Redis, for every node alike.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::pipe;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Fault;
use super::inject::{Injector, Told};
use crate::cluster::Cluster;
use crate::cluster::redis::cell_key;
use crate::error::CheckError;
use crate::history::Suspends;

/// After Redis came back as it was long ago, no answer is older than what was known for longer than this.
const BACK_IN_TIME: Duration = Duration::from_secs(5);

pub(super) const BALLAST_KEYS: usize = 400;
pub(super) const BALLAST_BYTES: usize = 1_000;

impl Injector {
    pub(super) async fn on_redis(&self, fault: Fault, random: &mut ChaCha8Rng) -> Result<Told, CheckError> {
        if self.cluster.redis.is_cluster() {
            return self.on_cluster(fault, random).await;
        }
        match fault {
            Fault::Failover | Fault::FailoverKill | Fault::FailoverStop => self.on_sentinels(fault, random).await,
            Fault::Evict => {
                let _used = self.redis.read().await;
                self.blocking(evict).await?;
                Ok(Told::healthy("Redis evicts"))
            }
            Fault::Cell | Fault::Lease => {
                let id = Arc::clone(&self.ids[random.random_range(0..self.ids.len())]);
                let suffix = if fault == Fault::Lease { ":lease" } else { "" };
                let key = cell_key(&id) + suffix;
                let told = self.command(&["DEL", &key]).await?;
                Ok(Told { id: Some(id), ..told })
            }
            Fault::Pubsub => self.command(&["CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"]).await,
            Fault::Connections => self.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await,
            Fault::Restart => {
                let _away = self.redis.write().await;
                self.blocking(|cluster| cluster.redis.restart_empty()).await?;
                Ok(Told::suspending("Redis was killed and came back empty", &[(Suspends::Everything, BACK_IN_TIME)]))
            }
            Fault::Snapshot => {
                let _away = self.redis.write().await;
                self.blocking(|cluster| cluster.redis.restart_from_snapshot()).await?;
                Ok(Told::suspending(
                    "Redis was killed and came back as it was",
                    &[(Suspends::Everything, BACK_IN_TIME)],
                ))
            }
            _ => self.command(&["FLUSHALL"]).await,
        }
    }

    /// Keeps what Redis holds, for it to come back so.
    pub(super) async fn save_snapshot(&self) -> Result<(), CheckError> {
        // Else its connection may be cut with the others.
        let _alone = self.redis.write().await;
        self.blocking(|cluster| cluster.redis.save_snapshot()).await
    }

    async fn command(&self, words: &[&str]) -> Result<Told, CheckError> {
        let _used = self.redis.read().await;
        let what = words.join(" ");
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        self.blocking(move |cluster| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            Ok(cluster.redis.command::<()>(&words)?)
        })
        .await?;
        Ok(Told::healthy(what))
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

//! What is done to a Redis Cluster: to one of its servers, or to who serves what.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use test_servers::RedisCluster;

use super::Fault;
use super::inject::{Injector, Told};
use super::on_redis::{BALLAST_BYTES, BALLAST_KEYS};
use crate::cluster::redis::cell_key;
use crate::error::CheckError;

/// Most slots that are moved at one time.
const MOVED: usize = 100;

impl Injector {
    pub(super) async fn on_cluster(&self, fault: Fault, random: &mut ChaCha8Rng) -> Result<Told, CheckError> {
        let ids = self.ids.clone();
        let (id, draw) = (Arc::clone(&ids[random.random_range(0..ids.len())]), random.random_range(0..usize::MAX));
        let pause = Duration::from_millis(random.random_range(0..1_500));
        let is_of_one = matches!(fault, Fault::Cell | Fault::Lease);
        let told = Arc::clone(&id);
        let act = move |servers: &mut RedisCluster| match fault {
            Fault::ShardKill => kill(servers, draw, pause),
            Fault::Slots => move_slots(servers, draw, &ids),
            Fault::Cell => delete(servers, &cell_key(&id)),
            Fault::Lease => delete(servers, &(cell_key(&id) + ":lease")),
            Fault::Evict => evict(servers, draw),
            Fault::Pubsub => cut(servers, "pubsub"),
            Fault::Connections => cut(servers, "normal"),
            _ => {
                let server = primaries(servers)[draw % primaries(servers).len()];
                servers.ask(server, &["FLUSHALL"]);
                format!("server {server} of the Redis Cluster was flushed")
            }
        };
        let what = if fault == Fault::ShardKill {
            let _away = self.redis.write().await;
            self.blocking(move |cluster| Ok(cluster.redis.with_cluster(act))).await?
        } else {
            let _used = self.redis.read().await;
            self.blocking(move |cluster| Ok(cluster.redis.with_cluster(act))).await?
        };
        Ok(Told { id: is_of_one.then_some(told), ..Told::healthy(what.unwrap_or_default()) })
    }
}

/// Those that have slots.
fn primaries(servers: &RedisCluster) -> Vec<usize> {
    (0..servers.size()).filter(|at| !servers.slots_of(*at).is_empty()).collect()
}

fn kill(servers: &mut RedisCluster, draw: usize, pause: Duration) -> String {
    let primaries = primaries(servers);
    let (server, witness) = (primaries[draw % primaries.len()], primaries[(draw + 1) % primaries.len()]);
    let slot = servers.slots_of(server)[0];
    servers.node_mut(server).stop();
    servers.wait_until("a replica takes the place of its primary", |servers| {
        servers.owner(witness, slot).is_some_and(|owner| owner != server)
    });
    std::thread::sleep(pause);
    servers.node_mut(server).restart();
    // The next one that is killed must have a replica that is there.
    servers.wait_until("the primary of before is a replica", |servers| {
        let replication = servers.ask(server, &["INFO", "replication"]);
        replication.text().contains("role:slave") && replication.text().contains("master_link_status:up")
    });
    format!("server {server} of the Redis Cluster was killed, and came back as a replica")
}

fn move_slots(servers: &RedisCluster, draw: usize, ids: &[Arc<str>]) -> String {
    let primaries = primaries(servers);
    let (from, to) = (primaries[draw % primaries.len()], primaries[(draw + 1) % primaries.len()]);
    let own = servers.slots_of(from);
    // Those first in which something happens.
    let mut slots: Vec<u16> =
        ids.iter().map(|id| servers.slot(&cell_key(id))).filter(|slot| own.contains(slot)).collect();
    slots.extend(&own);
    slots.truncate(MOVED);
    // One that keeps none would become a replica.
    slots.truncate(own.len().saturating_sub(1));
    let count = slots.len();
    let mut unique: Vec<u16> = Vec::with_capacity(count);
    for slot in slots {
        if !unique.contains(&slot) {
            unique.push(slot);
        }
    }
    servers.move_slots(from, to, unique);
    format!("up to {count} slots were moved from server {from} of the Redis Cluster to server {to}")
}

fn delete(servers: &RedisCluster, key: &str) -> String {
    if let Some(server) = servers.server_of(servers.slot(key)) {
        servers.ask(server, &["DEL", key]);
    }
    format!("DEL {key}")
}

fn cut(servers: &RedisCluster, kind: &str) -> String {
    for server in 0..servers.size() {
        servers.ask(server, &["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
    }
    format!("connections of type {kind} to every server of the Redis Cluster were cut")
}

/// As of a single Redis, of one of the servers.
fn evict(servers: &RedisCluster, draw: usize) -> String {
    let primaries = primaries(servers);
    let server = primaries[draw % primaries.len()];
    let own = servers.slots_of(server);
    let tag = (0..).find(|tag: &usize| own.contains(&servers.slot(&tag.to_string()))).unwrap_or_default();
    let ballast = "x".repeat(BALLAST_BYTES);
    for number in 0..BALLAST_KEYS {
        servers.ask(server, &["SET", &format!("ballast:{{{tag}}}:{number}"), &ballast]);
    }
    let info = servers.ask(server, &["INFO", "memory"]);
    let used = info.text().lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse::<usize>().ok());
    let limit = used.unwrap_or_default().saturating_sub(BALLAST_KEYS * BALLAST_BYTES / 2).max(1).to_string();
    servers.ask(server, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    servers.ask(server, &["CONFIG", "SET", "maxmemory", &limit]);
    std::thread::sleep(Duration::from_millis(100));
    servers.ask(server, &["CONFIG", "SET", "maxmemory", "0"]);
    format!("server {server} of the Redis Cluster evicts")
}

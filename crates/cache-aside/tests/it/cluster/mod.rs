//! The engine over a Redis Cluster of real servers.

mod failures;
mod plain;
mod rights;
mod seeing;
mod slots;
mod tls;

use std::time::Duration;

use cache_aside::{CacheAside, CacheUrl, Outcome};
use test_servers::{RedisCluster, until};

use crate::support::{FakeStore, Setup, engine_at, options, outcome};

/// Ids that lie in slots of all servers.
const IDS: usize = 60;

fn ids() -> Vec<String> {
    (0..IDS).map(|n| n.to_string()).collect()
}

fn url(cluster: &RedisCluster) -> CacheUrl {
    cluster.url().parse().unwrap()
}

/// As in production where it is about servers that fail; patient else.
fn hasty() -> Setup {
    options().with(|options| {
        options.redis_timeout = Duration::from_millis(500);
        options.connect_timeout = Duration::from_secs(1);
    })
}

fn engine(cluster: &RedisCluster, store: &FakeStore, setup: &Setup) -> CacheAside<FakeStore> {
    engine_at(&url(cluster), store, setup.clone())
}

/// Fills all ids, and waits until each answers.
async fn warm(engine: &CacheAside<FakeStore>, store: &FakeStore) {
    for id in ids() {
        store.set(&id, "value");
    }
    until_hits(engine, |_| true).await;
}

/// Waits until each of these ids is a hit.
async fn until_hits(engine: &CacheAside<FakeStore>, which: impl Fn(&str) -> bool) {
    for id in ids().iter().filter(|id| which(id)) {
        until("the id is a hit", || async { outcome(engine, id).await == Outcome::Hit }).await;
    }
}

/// Which server serves the id.
fn owner(cluster: &RedisCluster, by: usize, setup: &Setup, id: &str) -> Option<usize> {
    cluster.owner(by, cluster.slot(&format!("{}:{{{id}}}", setup.prefix)))
}

/// One id that this server serves.
fn id_on(cluster: &RedisCluster, server: usize, setup: &Setup) -> String {
    ids().into_iter().find(|id| owner(cluster, server, setup, id) == Some(server)).unwrap()
}

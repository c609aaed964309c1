//! A load that began before Redis went back in time is no answer for who came afterwards.
//!
//! The service is the build with switches.

use std::sync::Arc;
use std::time::Duration;

use consistency_checker::cluster::node::Node;
use consistency_checker::cluster::system::Servers;
use consistency_checker::store::InsertAs;
use test_servers::{Hole, fresh_name, shared_mongo};

use crate::support::{linked_cluster_of, until};
use crate::teeth::service;

/// Loads and leases outlive a restart of Redis, however busy the machine is. One worker: the second reader is the first who finds its
/// connection to Redis broken, so that the put has a new one.
const FLAGS: [&str; 10] = [
    "--workers",
    "1",
    "--store-timeout",
    "60s",
    "--change-stream",
    "off",
    "--redis-timeout",
    "10s",
    "--publish-timeout",
    "10s",
];

async fn get(node: &Node, id: &str) -> String {
    node.http.get(node.todo(id)).timeout(Duration::from_secs(90)).send().await.unwrap().text().await.unwrap()
}

fn metric(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in\n{metrics}"));
    let value = line.rsplit_once(' ').unwrap().1;
    value.parse::<f64>().unwrap_or_else(|_| panic!("{line}")) as u64
}

async fn metrics(node: &Node, name: &str) -> u64 {
    let url = node.todo("x").replace("/todos/x", "/metrics");
    metric(&node.http.get(url).send().await.unwrap().text().await.unwrap(), name)
}

/// One process loads an old value, and its answer is on the way. Redis is saved, lease and all. Another process replaces the
/// value; then Redis comes back as it was, without what was noted in the lease. Whoever asks the first process now joins the
/// old load. Whether that one's answer is the old value.
async fn is_old_load_shared(off: &str) -> bool {
    let servers = Servers::At(tokio::task::spawn_blocking(|| shared_mongo().url()).await.unwrap());
    let cluster = linked_cluster_of(service(), servers, &FLAGS, &[("TODO_TEETH", off), ("TODO_LOG", "error")]).await;
    let (id, reader, writer) = (fresh_name("todo"), &cluster.nodes[0], &cluster.nodes[1]);
    assert!(cluster.store.insert(&id, "old", InsertAs::Usual).await.unwrap());
    let mongo = cluster.store.mongo().unwrap();
    mongo.note_reads().await.unwrap();
    let link = &reader.links.as_ref().unwrap().store[0];
    link.black_hole(Hole::Answers);

    let asking = |id: String| {
        let cluster = Arc::clone(&cluster);
        tokio::spawn(async move { get(&cluster.nodes[0], &id).await })
    };
    let first = asking(id.clone());
    until("the old value is on its way", async || mongo.reads(&id).await.unwrap() > 0).await;
    cluster.redis.save_snapshot().unwrap();
    let lease = format!("todo:{{{id}}}:lease");
    assert_eq!(cluster.redis.command::<u8>(&["EXISTS", &lease]), Ok(1), "the lease is in the snapshot");

    let put = writer.http.put(writer.todo(&id)).header("content-type", "application/json");
    let put = put.body(r#"{"name":"new"}"#).send().await.unwrap();
    assert!(put.status().is_success(), "{put:?}");
    cluster.redis.restart_from_snapshot().unwrap();
    let moved = "cache_invalidations_of_all_total{cause=\"incarnation\"}";
    until("the reader's process knows of the other Redis", async || metrics(reader, moved).await > 0).await;
    let waits = "cache_waits_total{for=\"single_flight\"}";
    let before = metrics(reader, waits).await;
    let second = asking(id.clone());
    until("the second reader waits for the load", async || metrics(reader, waits).await > before).await;
    link.heal();

    assert!(first.await.unwrap().contains("old"), "it asked before anybody wrote");
    let second = second.await.unwrap();
    cluster.store.drop_database().await;
    second.contains("old")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_of_before_a_validity_moment_is_shared_with_nobody_who_came_after_it() {
    assert!(!is_old_load_shared("").await);
    assert!(is_old_load_shared("share-only-if-valid").await, "without the guard it is");
}

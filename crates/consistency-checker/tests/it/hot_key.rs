//! One todo that everybody asks for: the store is read once, however many ask, and an update is seen at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use consistency_checker::cluster::Cluster;
use consistency_checker::cluster::redis::look;
use consistency_checker::history::CellSeen;
use consistency_checker::store::Store;
use consistency_checker::store::mongo::Mongo;
use consistency_checker::workload::{Reply, ask};
use mongodb::bson::doc;
use tokio::task::JoinSet;

use crate::support::{cluster, until};

const ID: &str = "hot";
const OLD: &str = "before the update";
const NEW: &str = "after the update";

/// A cluster whose store holds the todo, and whose cache knows at most a floor of it.
async fn cold() -> Arc<Cluster> {
    let cluster = cluster(&[]).await;
    // As the service writes: with a version of the store's own clock.
    let now = doc! { "$add": [
        { "$multiply": [1_048_576_i64, { "$tsSecond": "$$CLUSTER_TIME" }] }, { "$tsIncrement": "$$CLUSTER_TIME" }
    ] };
    let todo = doc! { "$set": { "id": ID, "name": OLD, "description": "asked for by all", "v": now } };
    mongo(&cluster).todos.update_one(doc! { "_id": ID }, vec![todo]).upsert(true).await.unwrap();
    // Then the change stream has passed, and nothing but the readers will touch the cell.
    let mut redis = cluster.redis.connect_async().await.unwrap();
    until("the change stream has told of the todo", async || {
        matches!(look(&mut redis, ID).await.unwrap(), CellSeen::Tombstone(_))
    })
    .await;
    mongo(&cluster).note_reads().await.unwrap();
    cluster
}

fn mongo(cluster: &Cluster) -> &Mongo {
    match &cluster.store {
        Store::Mongo(mongo) => mongo,
        Store::Postgres(_) => unreachable!("todo-api is over MongoDB"),
    }
}

async fn read(cluster: &Cluster, node: usize) -> String {
    match ask(&cluster.nodes[node], ID).await {
        Some(Reply::Todo { body, .. }) => body.to_string(),
        _ => panic!("the todo is there, and a read of it got no answer"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_readers_over_two_processes_cause_one_read_of_the_store() {
    let cluster = cold().await;
    let mut readers = JoinSet::new();
    for number in 0..500 {
        let cluster = Arc::clone(&cluster);
        readers.spawn(async move { read(&cluster, number % 2).await });
    }
    while let Some(body) = readers.join_next().await {
        assert!(body.unwrap().contains(OLD));
    }
    assert_eq!(mongo(&cluster).reads(ID).await.unwrap(), 1);
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_under_load_is_seen_by_all_who_ask_after_it_and_costs_at_most_one_read() {
    let cluster = cold().await;
    read(&cluster, 0).await;
    let before = mongo(&cluster).reads(ID).await.unwrap();
    let (stop, began) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let mut readers = JoinSet::new();
    for number in 0..64 {
        let (cluster, stop) = (Arc::clone(&cluster), Arc::clone(&stop));
        readers.spawn(async move {
            let mut seen = Vec::new();
            while !stop.load(Ordering::Acquire) {
                let sent = began.elapsed();
                seen.push((sent, read(&cluster, number % 2).await));
            }
            seen
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let node = &cluster.nodes[0];
    let update = serde_json::json!({ "name": NEW });
    let answer = node.http.put(node.todo(ID)).json(&update).send().await.unwrap();
    let acknowledged = began.elapsed();
    assert_eq!(answer.status(), 200);
    let cache_status = answer.headers()["cache-status"].to_str().unwrap().to_owned();
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Release);

    let (mut old, mut new) = (0, 0);
    while let Some(seen) = readers.join_next().await {
        for (sent, body) in seen.unwrap() {
            if body.contains(NEW) {
                new += 1;
            } else {
                old += 1;
                let deferred = cache_status.contains("publish-deferred");
                assert!(
                    deferred || sent <= acknowledged,
                    "asked at {sent:?}, acknowledged at {acknowledged:?}: {body}"
                );
            }
        }
    }
    assert!(old > 50 && new > 50, "there was load before and after: {old} old, {new} new");
    let more = mongo(&cluster).reads(ID).await.unwrap() - before;
    assert!(more <= 1, "the update made {more} reads of the store");
    cluster.store.drop_database().await;
}

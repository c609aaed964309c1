//! One todo that everybody asks for: the store is read once, however many ask, and an update is seen at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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

/// How an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// From the cache, or from the read of another request.
    Shared,
    /// This request read the store, and filled the cache.
    Filled,
    /// This request read the store and filled nothing: another process had the lease and took longer than 150 ms, or Redis
    /// longer than 500 ms. A machine that is busy enough makes this happen, and then the promise is no longer one read.
    Impatient,
}

/// What the service answers, and how it came; also of what it did not answer, when a busy machine kept it for too long.
async fn read(cluster: &Cluster, node: usize) -> (String, Vec<Came>) {
    let (mut came, began) = (Vec::new(), Instant::now());
    loop {
        match ask(&cluster.nodes[node], ID).await {
            Some(Reply::Todo { body, cache_status, .. }) => {
                came.push(match () {
                    () if !cache_status.starts_with("fwd") || cache_status.contains("collapsed") => Came::Shared,
                    () if cache_status.contains("stored") => Came::Filled,
                    () => Came::Impatient,
                });
                return (body.to_string(), came);
            }
            Some(Reply::Nothing) => panic!("the todo is there"),
            None => came.push(Came::Impatient),
        }
        assert!(began.elapsed() < Duration::from_secs(180), "the todo is there, and a read of it gets no answer");
    }
}

/// One read of the store at most; each further one is that of a request that lost its patience, and says so.
fn must_be_explained(came: &[Came], reads: u64) {
    let count = |which: Came| came.iter().filter(|how| **how == which).count() as u64;
    let (filled, impatient) = (count(Came::Filled), count(Came::Impatient));
    eprintln!("{reads} reads of the store; {filled} requests filled the cache, {impatient} lost their patience");
    assert!(reads <= 1 || impatient > 0, "{reads} reads of the store, and nobody had to wait for long");
    assert!(reads <= filled + impatient, "{reads} reads of the store by {filled} + {impatient} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_readers_over_two_processes_cause_one_read_of_the_store_unless_they_lose_their_patience() {
    let cluster = cold().await;
    let mut readers = JoinSet::new();
    for number in 0..500 {
        let cluster = Arc::clone(&cluster);
        readers.spawn(async move { read(&cluster, number % 2).await });
    }
    let mut came = Vec::new();
    while let Some(answer) = readers.join_next().await {
        let (body, how) = answer.unwrap();
        assert!(body.contains(OLD));
        came.extend(how);
    }
    must_be_explained(&came, mongo(&cluster).reads(ID).await.unwrap());
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_under_load_is_seen_by_all_who_ask_after_it_and_costs_at_most_one_read() {
    let cluster = cold().await;
    read(&cluster, 0).await;
    let before = mongo(&cluster).reads(ID).await.unwrap();
    let (stop, began) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let (old, new) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut readers = JoinSet::new();
    for number in 0..64 {
        let (cluster, stop) = (Arc::clone(&cluster), Arc::clone(&stop));
        let (old, new) = (Arc::clone(&old), Arc::clone(&new));
        readers.spawn(async move {
            // When the last answer with the old todo was asked for.
            let (mut last_old, mut came) = (Duration::ZERO, Vec::new());
            while !stop.load(Ordering::Acquire) {
                let sent = began.elapsed();
                let (body, how) = read(&cluster, number % 2).await;
                came.extend(how);
                if body.contains(NEW) {
                    new.fetch_add(1, Ordering::AcqRel);
                } else {
                    old.fetch_add(1, Ordering::AcqRel);
                    last_old = sent;
                }
            }
            (last_old, came)
        });
    }
    until("there is load before the update", async || old.load(Ordering::Acquire) > 500).await;
    let node = &cluster.nodes[0];
    let update = serde_json::json!({ "name": NEW });
    let answer = node.http.put(node.todo(ID)).json(&update).send().await.unwrap();
    let acknowledged = began.elapsed();
    assert_eq!(answer.status(), 200);
    let deferred = answer.headers()["cache-status"].to_str().unwrap().contains("publish-deferred");
    until("there is load after the update", async || new.load(Ordering::Acquire) > 500).await;
    stop.store(true, Ordering::Release);
    let (mut last_old, mut came) = (Duration::ZERO, Vec::new());
    while let Some(reader) = readers.join_next().await {
        let (asked, how) = reader.unwrap();
        last_old = last_old.max(asked);
        came.extend(how);
    }
    if deferred {
        // What was not published in 20 ms is read from the store until it is.
        eprintln!("the machine was so busy that the publish was deferred: nothing is promised for a second");
        cluster.store.drop_database().await;
        return;
    }
    assert!(last_old <= acknowledged, "the old todo was asked for at {last_old:?}, acknowledged at {acknowledged:?}");
    must_be_explained(&came, mongo(&cluster).reads(ID).await.unwrap() - before);
    cluster.store.drop_database().await;
}

//! Reads of many ids as Redis sees them: commands, outages, other processes, L1.

use std::time::Duration;

use cache_aside::{CacheUrl, Detail, Outcome};
use deadpool_redis::redis::{Client, cmd};
use test_servers::RedisServer;

use crate::read_many::{all, bodies, fill, ids};
use crate::support::{FakeStore, Over, Setup, body, engine, engine_at, loads, options, put, redis_url, until};

#[tokio::test]
async fn without_a_cache_every_batch_goes_to_the_store() {
    let store = FakeStore::new();
    let engine = engine_at(&CacheUrl::Off, &store, options());
    let ids = ids(0..3);
    fill(&store, &ids);
    for _ in 0..2 {
        let answers = all(&engine, &ids).await;
        assert!(answers.iter().all(|answer| answer.detail == Some(Detail::CacheOff)));
        assert_eq!(store.batches(), [3]);
    }
}

#[tokio::test]
async fn a_redis_that_is_away_costs_no_answer() {
    let mut redis = RedisServer::start();
    redis.stop();
    let store = FakeStore::new();
    let engine = engine_at(&redis_url(&redis), &store, options());
    let ids = ids(0..3);
    fill(&store, &ids);
    let answers = all(&engine, &ids).await;
    assert!(answers.iter().all(|answer| answer.detail == Some(Detail::CacheError)), "{answers:?}");
    assert_eq!(bodies(&answers), [Some("id 0"), Some("id 1"), Some("id 2")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_loads_of_a_batch_by_leases() {
    let store = FakeStore::new();
    let shared = options();
    let (here, there) = (engine(Over::Redis, &store, shared.clone()), engine(Over::Redis, &store, shared));
    let ids = ids(0..10);
    fill(&store, &ids);
    let held = store.hold().await;
    let first = tokio::spawn({
        let (here, ids) = (here.clone(), ids.clone());
        async move { all(&here, &ids[..5]).await }
    });
    store.begun(1).await;
    let second = tokio::spawn({
        let (there, ids) = (there.clone(), ids.clone());
        async move { all(&there, &ids).await }
    });
    until("it waits for the leases", || async { there.stats().reads.lease_waits == 5 }).await;
    drop(held);
    first.await.unwrap();
    let second = second.await.unwrap();
    assert_eq!(bodies(&second), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
    assert_eq!(loads(&there), 5, "the other process was loading the first five");
}

fn commands(redis: &RedisServer, name: &str) -> u64 {
    let mut connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
    let info: String = cmd("INFO").arg("commandstats").query(&mut connection).unwrap();
    let line = info.lines().find(|line| line.starts_with(&format!("cmdstat_{name}:")));
    let calls = line.and_then(|line| line.split("calls=").nth(1)?.split(',').next()?.parse().ok());
    calls.unwrap_or(0)
}

#[tokio::test]
async fn fifty_hits_are_one_command() {
    let (store, redis) = (FakeStore::new(), RedisServer::start());
    let engine = engine_at(&redis_url(&redis), &store, options());
    let ids = ids(0..50);
    fill(&store, &ids);
    all(&engine, &ids).await;
    let before = (commands(&redis, "mget"), commands(&redis, "get"));
    let hits = all(&engine, &ids).await;
    assert!(hits.iter().all(|answer| answer.outcome == Outcome::Hit));
    assert_eq!((commands(&redis, "mget"), commands(&redis, "get")), (before.0 + 1, before.1));
}

#[tokio::test]
async fn a_server_in_cluster_mode_takes_a_batch_too() {
    let (store, redis) = (FakeStore::new(), RedisServer::start_with(&["--cluster-enabled", "yes"]));
    let mut connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
    cmd("CLUSTER").arg(&["ADDSLOTSRANGE", "0", "16383"]).exec(&mut connection).unwrap();
    until("the cluster is up", || async {
        let mut connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
        let info: String = cmd("CLUSTER").arg("INFO").query(&mut connection).unwrap();
        info.contains("cluster_state:ok")
    })
    .await;
    let engine = engine_at(&redis_url(&redis), &store, options());
    let ids = ids(0..20);
    fill(&store, &ids);
    all(&engine, &ids).await;
    let hits = all(&engine, &ids).await;
    assert!(hits.iter().all(|answer| answer.outcome == Outcome::Hit), "{hits:?}");
    assert_eq!(bodies(&hits), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l1_answers_its_part_of_a_batch() {
    let store = FakeStore::new();
    let engine = engine(Over::Redis, &store, Setup { l1: Some(Duration::from_secs(60)), ..options() });
    let ids = ids(0..4);
    fill(&store, &ids);
    until("L1 holds two", || async {
        all(&engine, &ids[..2]).await.iter().all(|answer| answer.detail == Some(Detail::L1))
    })
    .await;
    let answers = all(&engine, &ids).await;
    assert_eq!(bodies(&answers), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
    assert!(answers[..2].iter().all(|answer| answer.detail == Some(Detail::L1)));
    assert!(answers[2..].iter().all(|answer| answer.detail != Some(Detail::L1)));
    put(&engine, &ids[0], "new").await;
    let answers = all(&engine, &ids).await;
    assert_eq!(body(&answers[0]), Some("new"));
    assert!(engine.stats().l1.entries >= 3, "{:?}", engine.stats().l1);
}

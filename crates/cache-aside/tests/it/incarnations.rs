//! A Redis that comes back as it was before: nothing of what it brings back is served.

use cache_aside::{Health, Outcome};
use deadpool_redis::redis::{Client, cmd};
use test_servers::RedisServer;

use crate::support::{FakeStore, body, engine_at, get, options, outcome, put, redis_url, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_from_an_old_snapshot_brings_no_old_value_back() {
    let (store, mut redis) = (FakeStore::new(), RedisServer::start());
    let options = options();
    let engine = engine_at(&redis_url(&redis), &store, options.clone());
    put(&engine, "1", "old").await;
    put(&engine, "2", "same").await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
    cmd("SAVE").exec(&mut Client::open(redis.url()).unwrap().get_connection().unwrap()).unwrap();
    put(&engine, "1", "new").await;
    redis.restart();
    let held: Vec<u8> = cmd("GET")
        .arg(format!("{}:{{1}}", options.prefix))
        .query(&mut Client::open(redis.url()).unwrap().get_connection().unwrap())
        .unwrap();
    assert!(held.ends_with(b"old"), "the snapshot did bring it back");
    until("the cache answers again", || async {
        let answer = get(&engine, "1").await;
        assert_eq!(body(&answer), Some("new"), "{answer:?}");
        answer.outcome == Outcome::Hit
    })
    .await;
    // Also to a process that starts only now.
    let late = engine_at(&redis_url(&redis), &store, options);
    assert_eq!(outcome(&late, "2").await, Outcome::Miss);
    assert_eq!(outcome(&late, "2").await, Outcome::Hit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_restart_and_a_flush_cost_hits_only() {
    let (store, mut redis) = (FakeStore::new(), RedisServer::start());
    let engine = engine_at(&redis_url(&redis), &store, options());
    put(&engine, "1", "one").await;
    let flush = |redis: &RedisServer| {
        cmd("FLUSHALL").exec(&mut Client::open(redis.url()).unwrap().get_connection().unwrap()).unwrap();
    };
    flush(&redis);
    assert_eq!(outcome(&engine, "1").await, Outcome::Miss);
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
    redis.restart();
    until("the cache answers again", || async { outcome(&engine, "1").await == Outcome::Hit }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_no_cache() {
    let primary = RedisServer::start();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let store = FakeStore::new();
    let engine = engine_at(&redis_url(&replica), &store, options());
    assert_eq!(engine.health().await, Health::Down);
    store.set("1", "one");
    assert_eq!(outcome(&engine, "1").await, Outcome::Bypass);
    cmd("REPLICAOF")
        .arg(&["NO", "ONE"])
        .exec(&mut Client::open(replica.url()).unwrap().get_connection().unwrap())
        .unwrap();
    until("it is used when it is promoted", || async { outcome(&engine, "1").await == Outcome::Hit }).await;
}

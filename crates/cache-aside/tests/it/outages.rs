//! A Redis that is away, comes back, hangs, or comes back empty.

use std::time::Duration;

use cache_aside::{BreakerState, Commit, Detail, Health, Outcome, Published, ReadOptions};
use deadpool_redis::redis::{Client, cmd};
use test_servers::RedisServer;

use crate::read_many::ids;
use crate::support::{FakeStore, Setup, StoreDown, body, engine_at, get, options, outcome, put, redis_url, until};

fn quick() -> Setup {
    options().with(|o| {
        o.redis_timeout = Duration::from_secs(1);
        o.publish_timeout = Duration::from_secs(1);
    })
}

#[tokio::test]
async fn with_redis_away_at_the_start_reads_come_from_the_store_until_it_is_there() {
    let mut redis = RedisServer::start();
    redis.stop();
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine_at(&redis_url(&redis), &store, quick());
    assert_eq!(engine.health().await, Health::Down);
    for _ in 0..10 {
        let answer = get(&engine, "1").await;
        assert_eq!((answer.outcome, answer.detail), (Outcome::Bypass, Some(Detail::CacheError)));
        assert_eq!(body(&answer), Some("one"));
    }
    redis.restart();
    until("it is cached", || async { outcome(&engine, "1").await == Outcome::Hit }).await;
    assert_eq!(engine.health().await, Health::Up);
}

#[tokio::test]
async fn a_redis_that_hangs_costs_a_few_time_outs_and_then_nothing() {
    let redis = RedisServer::start();
    let store = FakeStore::new();
    store.set("1", "one");
    let patience = Duration::from_secs(1);
    let patient = options().with(|o| {
        o.redis_timeout = patience;
        // Longer than the test: once open, the breaker stays so.
        o.breaker_pause = Duration::from_secs(3600);
    });
    let engine = engine_at(&redis_url(&redis), &store, patient);
    until("it is cached", || async { outcome(&engine, "1").await == Outcome::Hit }).await;
    redis.suspend();
    for _ in 0..5 {
        assert_eq!(outcome(&engine, "1").await, Outcome::Bypass);
    }
    assert_eq!(engine.stats().breaker, BreakerState::Open);
    let began = std::time::Instant::now();
    for _ in 0..50 {
        assert_eq!(outcome(&engine, "1").await, Outcome::Bypass);
    }
    let took = began.elapsed();
    assert!(took < patience * 25, "50 reads past an open breaker took {took:?}: some waited for Redis");
    redis.resume();
}

#[tokio::test]
async fn an_emptied_redis_is_filled_again() {
    let mut redis = RedisServer::start();
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine_at(&redis_url(&redis), &store, quick());
    get(&engine, "1").await;
    redis.stop();
    redis.restart();
    until("it is cached again", || async { outcome(&engine, "1").await == Outcome::Hit }).await;
    // Its scripts were forgotten, too.
    assert_eq!(put(&engine, "1", "two").await.published, Published::Yes);
    assert_eq!(body(&get(&engine, "1").await), Some("two"));
}

#[tokio::test]
async fn a_write_that_could_not_be_published_is_made_up_for() {
    let redis = RedisServer::start();
    let store = FakeStore::new();
    let shared = quick();
    let engine = engine_at(&redis_url(&redis), &store, shared.clone());
    let elsewhere = engine_at(&redis_url(&redis), &store, shared);
    put(&engine, "1", "old").await;
    assert_eq!(body(&get(&elsewhere, "1").await), Some("old"));
    redis.suspend();
    let written = put(&engine, "1", "new").await;
    assert_eq!(written.published, Published::Deferred);
    assert_eq!(engine.stats().repair.pending, 1);
    assert_eq!(body(&get(&engine, "1").await), Some("new"), "the process that wrote it does not answer the cell");
    redis.resume();
    until("the repair is through", || async { engine.stats().repair.pending == 0 }).await;
    assert_eq!(body(&get(&elsewhere, "1").await), Some("new"), "and so does no other process any more");
}

fn cut_every_connection(redis: &RedisServer) {
    let mut control = Client::open(redis.url()).unwrap().get_connection().unwrap();
    cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).exec(&mut control).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_under_a_read_or_a_write_defers_nothing_while_redis_is_there() {
    let (store, redis) = (FakeStore::new(), RedisServer::start());
    let shared = options();
    let engine = engine_at(&redis_url(&redis), &store, shared.clone());
    let elsewhere = engine_at(&redis_url(&redis), &store, shared);
    for id in ["1", "2"] {
        put(&engine, id, "old").await;
        assert_eq!(body(&get(&elsewhere, id).await), Some("old"));
    }
    let version = store.set("1", "new");
    let held = store.hold().await;
    let reading = tokio::spawn({
        let engine = engine.clone();
        async move { engine.read("1", ReadOptions::refetch()).await.unwrap() }
    });
    store.begun(1).await;
    cut_every_connection(&redis);
    drop(held);
    let answer = reading.await.unwrap();
    assert_eq!(answer.entry.as_ref().map(|entry| entry.version), Some(version));
    assert_eq!(body(&get(&elsewhere, "1").await), Some("new"), "{answer:?} was answered before");

    let url = redis.url();
    let commit = async move {
        let mut control = Client::open(url).unwrap().get_connection().unwrap();
        cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).exec(&mut control).unwrap();
        Commit::<_, StoreDown>::Value { version: version + 10, body: "newest".into(), result: () }
    };
    store.set_at("2", "newest", version + 10);
    let written = engine.write("2", commit).await.unwrap();
    assert_eq!(written.published, Published::Yes);
    assert_eq!(body(&get(&elsewhere, "2").await), Some("newest"));
    assert_eq!(engine.stats().repair.deferred, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_answered_past_redis_never_goes_back_though_it_cannot_remember_every_id() {
    let (store, redis) = (FakeStore::new(), RedisServer::start());
    let shared = quick();
    let elsewhere = engine_at(&redis_url(&redis), &store, shared.clone());
    let few = shared.with(|o| {
        o.repair_max = 1;
        o.breaker_failures = 1;
    });
    let engine = engine_at(&redis_url(&redis), &store, few);
    let ids = ids(0..20);
    for id in &ids {
        put(&elsewhere, id, "old").await;
        assert_eq!(body(&get(&engine, id).await), Some("old"));
    }
    redis.suspend();
    // By writers of whom the cache is not told for now.
    for id in &ids {
        store.set(id, "new");
        assert_eq!(body(&get(&engine, id).await), Some("new"));
    }
    redis.resume();
    until("every value is cached again", || async {
        let mut hits = 0;
        for id in &ids {
            let answer = get(&engine, id).await;
            assert_eq!(body(&answer), Some("new"), "{id}: {answer:?}");
            hits += usize::from(answer.outcome == Outcome::Hit);
        }
        hits == ids.len()
    })
    .await;
    assert!(engine.stats().validity.by_bypass > 0);
}

//! What is counted: over all handles, those that are gone included.

use std::time::Duration;

use cache_aside::stats::BreakerState;
use cache_aside::{CacheUrl, ReadOptions};
use test_servers::RedisServer;

use crate::support::{FakeStore, Over, Setup, engine, engine_at, get, options, over_each_cache, put, redis_url, until};

over_each_cache! {
    every_read_and_write_is_counted_once
}

async fn every_read_and_write_is_counted_once(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    store.set("1", "one");
    get(&engine, "1").await;
    for _ in 0..3 {
        let worker = engine.per_worker();
        for _ in 0..5 {
            get(&worker, "1").await;
        }
        get(&worker, "nobody").await;
    }
    put(&engine, "1", "two").await;
    assert!(engine.read("2", ReadOptions::only_if_cached()).await.is_err());
    let stats = engine.stats();
    let reads = stats.reads;
    assert_eq!((reads.hits, reads.misses, reads.absent, reads.failed), (15, 2, 2, 1), "{reads:?}");
    assert_eq!((stats.loads.started, stats.loads.running), (2, 0));
    assert_eq!((stats.leases.taken, stats.puts.stored), (2, 2));
    assert_eq!((stats.writes.committed, stats.writes.deferred), (1, 0));
    assert_eq!(stats.repair.pending, 0);
    assert!(!stats.change_stream.expected && stats.change_stream.live);
}

#[tokio::test]
async fn an_outage_is_seen_in_breaker_and_repairs() {
    let redis = RedisServer::start();
    let store = FakeStore::new();
    let quick = options().with(|o| {
        o.redis_timeout = Duration::from_secs(1);
        o.publish_timeout = Duration::from_secs(1);
        o.breaker_pause = Duration::from_secs(3600);
    });
    let engine = engine_at(&redis_url(&redis), &store, quick);
    put(&engine, "1", "one").await;
    assert_eq!(engine.stats().validity.by_incarnation, 1);
    redis.suspend();
    put(&engine, "1", "two").await;
    for _ in 0..10 {
        get(&engine, "2").await;
    }
    let stats = engine.stats();
    assert_eq!(stats.breaker, BreakerState::Open);
    assert_eq!(stats.writes.deferred, 1);
    assert!(stats.repair.pending >= 1 && stats.repair.deferred >= 1, "{:?}", stats.repair);
    assert_eq!(stats.reads.bypass_error, 10);
    redis.resume();
}

#[tokio::test]
async fn l1_counts_what_it_holds_and_what_made_room() {
    let store = FakeStore::new();
    let small = options().with(|o| o.l1_max_bytes = 4_000);
    let engine = engine(Over::Redis, &store, Setup { l1: Some(Duration::from_secs(60)), ..small });
    until("L1 takes values", || async {
        for n in 0..50 {
            let id = n.to_string();
            store.set(&id, "body");
            get(&engine, &id).await;
        }
        engine.stats().l1.evictions > 0
    })
    .await;
    let l1 = engine.stats().l1;
    assert!(l1.entries > 0 && l1.bytes > 0 && l1.bytes <= 4_000, "{l1:?}");
    put(&engine, "0", "new").await;
    assert!(engine.stats().l1.invalidations > 0);
}

#[tokio::test]
async fn without_a_cache_reads_are_bypasses() {
    let store = FakeStore::new();
    let engine = engine_at(&CacheUrl::Off, &store, options());
    get(&engine, "1").await;
    assert_eq!(engine.stats().reads.bypass_off, 1);
}

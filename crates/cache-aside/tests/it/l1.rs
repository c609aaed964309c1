//! L1: values in this process, in front of Redis.

use std::time::Duration;

use cache_aside::{CacheAside, Detail, ReadOptions};
use deadpool_redis::redis::{Client, cmd};
use test_servers::RedisServer;

use crate::support::{FakeStore, body, delete, engine, engine_at, get, options, put, until};
use crate::support::{Over, Setup, redis_url};

/// Entries stay until they are invalidated: no test waits for their end.
fn with_l1() -> Setup {
    Setup { l1: Some(Duration::from_secs(60)), ..options() }
}

/// Waits until L1 answers: it does not before it hears invalidations.
async fn warm(engine: &CacheAside<FakeStore>, id: &str) {
    until("L1 answers", || async { get(engine, id).await.detail == Some(Detail::L1) }).await;
}

/// Two processes over one Redis.
fn two(store: &FakeStore) -> [CacheAside<FakeStore>; 2] {
    let shared = with_l1();
    [(); 2].map(|()| engine(Over::Redis, store, shared.clone()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_read_does_not_even_ask_redis() {
    let store = FakeStore::new();
    let [engine, _] = two(&store);
    let version = store.set("1", "one");
    warm(&engine, "1").await;
    let newer = ReadOptions::at_least(version + 1);
    assert!(engine.read("1", newer).await.is_err(), "a version that L1 does not have is looked for behind it");
    let refetch = ReadOptions::refetch();
    assert_ne!(engine.read("1", refetch).await.unwrap().detail, Some(Detail::L1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_reaches_its_own_process_at_once_and_others_by_an_announcement() {
    let store = FakeStore::new();
    let [one, two] = two(&store);
    put(&one, "1", "old").await;
    warm(&one, "1").await;
    warm(&two, "1").await;
    put(&one, "1", "new").await;
    assert_eq!(body(&get(&one, "1").await), Some("new"));
    until("the other answers the new value", || async { body(&get(&two, "1").await) == Some("new") }).await;
    warm(&two, "1").await;
    delete(&one, "1").await;
    assert_eq!(body(&get(&one, "1").await), None);
    until("the other knows that it is gone", || async { body(&get(&two, "1").await).is_none() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_by_a_process_that_does_not_hear_invalidations() {
    let (store, redis) =
        (FakeStore::new(), RedisServer::start_with(&["--rename-command", "SUBSCRIBE", "NO-SUBSCRIBE"]));
    let engine = engine_at(&redis_url(&redis), &store, with_l1());
    store.set("1", "one");
    for _ in 0..5 {
        assert_ne!(get(&engine, "1").await.detail, Some(Detail::L1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_broke_clears_it() {
    let (store, redis) = (FakeStore::new(), RedisServer::start());
    let engine = engine_at(&redis_url(&redis), &store, with_l1());
    let version = store.set("1", "old");
    warm(&engine, "1").await;
    // Nobody announces what happens while the subscription is down.
    let mut other = Client::open(redis.url()).unwrap().get_connection().unwrap();
    store.set_at("1", "new", version);
    cmd("FLUSHALL").exec(&mut other).unwrap();
    assert_eq!(body(&get(&engine, "1").await), Some("old"), "nobody announced it");
    cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"]).exec(&mut other).unwrap();
    until("the new value is answered", || async { body(&get(&engine, "1").await) == Some("new") }).await;
    warm(&engine, "1").await;
}

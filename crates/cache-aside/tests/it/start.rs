//! What a builder takes and refuses, and that its tasks end with the last handle.

use std::time::Duration;

use cache_aside::{CacheAside, CacheUrl, Options, StartError};
use deadpool_redis::redis::{Client, cmd};
use test_servers::{RedisServer, fresh_name};

use crate::fake_changes::FakeChanges;
use crate::support::{FakeStore, engine_at, get, options, redis_url, until};

async fn refusal(builder: cache_aside::Builder<FakeStore>) -> String {
    builder.start().await.expect_err("it does not fit").to_string()
}

#[tokio::test]
async fn what_does_not_fit_is_an_error_that_says_what_to_do() {
    let redis = || CacheAside::builder("redis://127.0.0.1:1", FakeStore::new());
    let memory = || CacheAside::builder("memory:", FakeStore::new());
    let none = || CacheAside::builder("none:", FakeStore::new()).prefix("books");
    let second = Duration::from_secs(1);
    let cases = [
        (refusal(redis()).await, "prefix"),
        (refusal(redis().prefix("")).await, "prefix"),
        (refusal(redis().prefix("a{b")).await, "prefix"),
        (refusal(redis().prefix("books").l1(Duration::ZERO)).await, "L1"),
        (refusal(memory().l1(second)).await, "L1"),
        (refusal(none().l1(second)).await, "L1"),
        (refusal(none().audit(1)).await, "audit"),
        (refusal(memory().audit(0)).await, "audit"),
        (refusal(CacheAside::builder("http://127.0.0.1", FakeStore::new())).await, "redis://"),
        (refusal(CacheAside::builder("redis://", FakeStore::new()).prefix("books")).await, "redis://"),
    ];
    for (text, says) in cases {
        assert!(text.contains(says) && !text.contains('\n'), "{text:?} does not say {says:?}");
    }
}

#[tokio::test]
async fn values_are_not_fresh_for_a_shorter_time_while_the_change_stream_is_live() {
    let mut options = Options::default();
    options.fresh = options.fresh_live * 2;
    let memory = || CacheAside::builder("memory:", FakeStore::new()).options(options.clone());
    let text = refusal(memory().follow_changes(FakeChanges::new(true))).await;
    assert!(text.contains("Options::fresh_live") && text.contains("Options::fresh "), "{text}");
    memory().start().await.expect("without a stream it does not count");
}

#[tokio::test]
async fn an_option_out_of_its_range_is_named() {
    type Change = fn(&mut Options);
    let cases: [(Change, &[&str]); 9] = [
        (|o| o.lease = o.load_timeout, &["load_timeout", "lease"]),
        (|o| o.load_timeout = Duration::from_secs(60), &["load_timeout", "lease"]),
        (|o| o.fresh = Duration::ZERO, &["fresh"]),
        (|o| o.absent = Duration::from_micros(1), &["absent"]),
        (|o| o.heartbeat = o.heartbeat_timeout, &["heartbeat", "heartbeat_timeout"]),
        (|o| o.store_concurrency = 0, &["store_concurrency"]),
        (|o| o.store_concurrency = usize::MAX, &["store_concurrency"]),
        (|o| o.breaker_failures = 0, &["breaker_failures"]),
        (|o| o.early_refresh_beta = f64::NAN, &["early_refresh_beta"]),
    ];
    for (change, names) in cases {
        let mut options = Options::default();
        change(&mut options);
        let text = refusal(CacheAside::builder("memory:", FakeStore::new()).options(options)).await;
        assert!(names.iter().all(|name| text.contains(&format!("Options::{name}"))), "{text:?}: {names:?}");
    }
}

#[tokio::test]
async fn a_url_is_taken_in_any_form_and_never_shows_its_password() {
    for url in ["memory:".to_owned(), "none:".to_owned()] {
        CacheAside::builder(&url, FakeStore::new()).start().await.unwrap();
        CacheAside::builder(url, FakeStore::new()).start().await.unwrap();
    }
    CacheAside::builder(CacheUrl::Memory, FakeStore::new()).start().await.unwrap();
    let error = CacheAside::builder("redis://user:secret@", FakeStore::new()).prefix("p").start().await.unwrap_err();
    assert!(matches!(error, StartError::Url(_)), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("secret"));
}

fn listeners(redis: &RedisServer) -> usize {
    let mut connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
    let clients: String = cmd("CLIENT").arg(&["LIST", "TYPE", "pubsub"]).query(&mut connection).unwrap();
    clients.lines().filter(|line| !line.trim().is_empty()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_over_redis_always_listens_and_stops_with_its_last_handle() {
    let (store, redis) = (FakeStore::new(), RedisServer::start());
    let engine = engine_at(&redis_url(&redis), &store, options());
    let another = engine.per_worker();
    until("it listens", || async { listeners(&redis) == 1 }).await;
    drop(engine);
    store.set("1", "one");
    get(&another, "1").await;
    assert_eq!(listeners(&redis), 1, "there is still a handle");
    drop(another);
    until("nobody listens any more", || async { listeners(&redis) == 0 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_is_dropped_with_the_last_handle() {
    let store = FakeStore::new();
    let builder = CacheAside::builder("memory:", store.clone()).prefix(fresh_name("cell")).audit(100);
    let engine = builder.start().await.unwrap();
    assert!(store.handles() > 1);
    drop(engine);
    until("no task holds the store", || async { store.handles() == 1 }).await;
}

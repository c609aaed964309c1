//! A store that is away, hangs, or is slow and asked by too many; and what kept values are good for then.

use std::time::Duration;

use bytes::Bytes;
use cache_aside::{
    Answer, BreakerState, CacheAside, CacheUrl, Commit, Detail, Outcome, ReadError, ReadOptions, WriteError,
};
use deadpool_redis::redis::{Client, cmd};
use futures::future::join_all;
use test_servers::RedisServer;

use crate::read_many::ids;
use crate::support::{
    FakeStore, Over, Setup, StoreDown, body, engine, engine_at, get, loads, options, outcome, over_each_cache, put,
    redis_url, until,
};

over_each_cache! {
    after_failures_in_a_row_kept_values_and_errors_come_at_once_and_the_store_is_left_alone
    one_probe_at_a_time_finds_the_store_again
    writes_that_meet_no_store_open_the_breaker_and_then_fail_at_once
    a_kept_value_does_not_wait_long_for_a_load_that_goes_on_behind_it
    a_full_queue_answers_a_value_that_is_only_old
}

/// Values are too old at once, and kept.
fn aging() -> Setup {
    options().with(|o| {
        o.fresh = Duration::from_millis(1);
        o.stale_while_revalidate = Duration::ZERO;
        o.early_refresh_beta = 0.0;
    })
}

/// Once open, a breaker stays so.
fn unforgiving() -> Setup {
    aging().with(|o| o.breaker_pause = Duration::from_secs(3600))
}

/// Caches the values, and waits until they are too old.
async fn cached(engine: &CacheAside<FakeStore>, store: &FakeStore, ids: &[&str]) {
    for id in ids {
        store.set(id, id);
        get(engine, id).await;
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
}

async fn fail_until_open(engine: &CacheAside<FakeStore>) {
    for _ in 0..5 {
        assert_eq!(engine.store_breaker(), BreakerState::Closed);
        let failed = engine.read("none", ReadOptions::default()).await;
        assert!(matches!(failed, Err(ReadError::Source(_))), "{failed:?}");
    }
    assert_eq!(engine.stats().store_breaker, BreakerState::Open);
}

fn is_kept(answer: &Answer, text: &str) -> bool {
    (answer.outcome, answer.detail, body(answer)) == (Outcome::Stale, Some(Detail::StaleIfError), Some(text))
}

async fn after_failures_in_a_row_kept_values_and_errors_come_at_once_and_the_store_is_left_alone(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, unforgiving());
    cached(&engine, &store, &["1", "2"]).await;
    store.fail(true);
    fail_until_open(&engine).await;
    // From now on a load would wait for ever.
    store.fail(false);
    let _held = store.hold().await;
    let asked = loads(&engine);
    for _ in 0..20 {
        assert!(is_kept(&get(&engine, "1").await, "1"));
        let none = engine.read("3", ReadOptions::default()).await;
        assert!(matches!(none, Err(ReadError::BreakerOpen)), "{none:?}");
        let newer = engine.read("1", ReadOptions::at_least(1_000)).await;
        assert!(matches!(newer, Err(ReadError::BreakerOpen)), "the kept value is older than that: {newer:?}");
        let demanded = engine.read("1", ReadOptions::refetch()).await;
        assert!(matches!(demanded, Err(ReadError::BreakerOpen)), "{demanded:?}");
        let many = engine.read_many(&["1", "3", "2"], ReadOptions::default()).await;
        assert!(is_kept(many[0].as_ref().unwrap(), "1") && is_kept(many[2].as_ref().unwrap(), "2"), "{many:?}");
        assert!(matches!(many[1], Err(ReadError::BreakerOpen)), "{many:?}");
        let written = engine.write("1", async { panic!("not begun") as Commit<(), StoreDown> }).await;
        assert_eq!(written, Err(WriteError::BreakerOpen));
        let asked = engine.ask_store(async { panic!("not begun") as Result<(), StoreDown> }).await;
        assert!(matches!(asked, Err(ReadError::BreakerOpen)));
    }
    assert_eq!(loads(&engine), asked);
}

async fn one_probe_at_a_time_finds_the_store_again(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, aging());
    cached(&engine, &store, &["1"]).await;
    store.fail(true);
    fail_until_open(&engine).await;
    store.fail(false);
    let held = store.hold().await;
    let asked = loads(&engine);
    // Who comes after the pause tries, and the kept value is good enough for everybody else.
    let probe = tokio::spawn({
        let engine = engine.clone();
        async move {
            loop {
                match engine.read("2", ReadOptions::default()).await {
                    Err(ReadError::BreakerOpen) => tokio::time::sleep(Duration::from_millis(1)).await,
                    answer => return answer,
                }
            }
        }
    });
    until("somebody tries", || async { loads(&engine) > asked }).await;
    for _ in 0..100 {
        assert!(is_kept(&get(&engine, "1").await, "1"));
        assert!(matches!(engine.read("3", ReadOptions::default()).await, Err(ReadError::BreakerOpen)));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!((loads(&engine), engine.store_breaker()), (asked + 1, BreakerState::Open), "also after another pause");
    drop(held);
    assert_eq!(body(&probe.await.unwrap().unwrap()), None);
    assert_eq!(engine.store_breaker(), BreakerState::Closed);
    assert_eq!(outcome(&engine, "1").await, Outcome::Miss);
}

async fn writes_that_meet_no_store_open_the_breaker_and_then_fail_at_once(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, unforgiving());
    let commits = [
        || Commit::<(), _>::Unavailable(StoreDown),
        || Commit::Unknown(StoreDown),
        || Commit::Nothing(StoreDown),
        || Commit::Unavailable(StoreDown),
        || Commit::Unknown(StoreDown),
    ];
    for commit in commits {
        assert_eq!(engine.write("1", async move { commit() }).await, Err(WriteError::Store(StoreDown)));
    }
    assert_eq!(
        engine.store_breaker(),
        BreakerState::Closed,
        "what was not written for a reason of its own is no failure"
    );
    put(&engine, "1", "one").await;
    for _ in 0..5 {
        let written = engine.write("1", async { Commit::<(), _>::Unavailable(StoreDown) }).await;
        assert_eq!(written, Err(WriteError::Store(StoreDown)));
    }
    let written = engine.write("1", async { panic!("not begun") as Commit<(), StoreDown> }).await;
    assert_eq!(written, Err(WriteError::BreakerOpen));
}

async fn a_kept_value_does_not_wait_long_for_a_load_that_goes_on_behind_it(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, aging().with(|o| o.load_soft_timeout = Duration::from_millis(20)));
    cached(&engine, &store, &["1", "2"]).await;
    let held = store.hold().await;
    store.set("1", "new");
    assert!(is_kept(&get(&engine, "1").await, "1"));
    let many = engine.read_many(&["1", "2"], ReadOptions::default()).await;
    assert!(is_kept(many[0].as_ref().unwrap(), "1") && is_kept(many[1].as_ref().unwrap(), "2"), "{many:?}");
    assert!(matches!(engine.stats().reads.soft_timeouts, 2..), "{:?}", engine.stats().reads);
    let puts = engine.stats().puts.stored;
    drop(held);
    until("both loads went on, and filled", || async { engine.stats().puts.stored == puts + 2 }).await;
}

async fn a_full_queue_answers_a_value_that_is_only_old(over: Over) {
    let store = FakeStore::new();
    let few = aging().with(|o| {
        o.store_concurrency = 1;
        o.store_queue = Duration::from_millis(20);
    });
    let engine = engine(over, &store, few);
    cached(&engine, &store, &["1"]).await;
    let held = store.hold().await;
    let other = tokio::spawn({
        let engine = engine.clone();
        async move { get(&engine, "2").await }
    });
    store.begun(2).await;
    assert!(is_kept(&get(&engine, "1").await, "1"));
    assert_eq!(engine.store_breaker(), BreakerState::Closed, "we are busy, the store is not away");
    drop(held);
    other.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_old_snapshot_brings_back_is_answered_only_if_the_store_is_away_never_because_it_is_slow_or_we_are_busy()
 {
    let (store, mut redis) = (FakeStore::new(), RedisServer::start());
    let few = options().with(|o| {
        o.store_concurrency = 2;
        o.store_queue = Duration::from_millis(20);
        o.load_soft_timeout = Duration::from_millis(20);
    });
    let engine = engine_at(&redis_url(&redis), &store, few);
    let ids = ids(0..50);
    for id in &ids {
        put(&engine, id, "v2").await;
    }
    cmd("SAVE").exec(&mut Client::open(redis.url()).unwrap().get_connection().unwrap()).unwrap();
    for id in &ids {
        put(&engine, id, "v3").await;
    }
    redis.restart();
    until("the other Redis is recognized", || async {
        get(&engine, "other").await;
        engine.stats().validity.by_incarnation > 0
    })
    .await;

    let held = store.hold().await;
    let reads = || join_all(ids.iter().map(|id| engine.read(id, ReadOptions::default())));
    let mut busy = Box::pin(reads());
    // Behind the others, which else would wait for what it leads.
    let many = async {
        until("some were turned away", || async { engine.stats().loads.rejected > 0 }).await;
        engine.read_many(&ids[..5], ReadOptions::default()).await
    };
    let release = async {
        until("many were turned away", || async { engine.stats().loads.rejected >= 40 }).await;
        drop(held);
    };
    let (singles, many, ()) = futures::join!(&mut busy, many, release);
    let (mut new, mut turned_away) = (0, 0);
    for answer in singles.into_iter().chain(many) {
        match answer {
            Ok(answer) => {
                assert_eq!(body(&answer), Some("v3"), "{answer:?}");
                new += 1;
            }
            Err(error) => {
                assert!(matches!(error, ReadError::Overloaded), "{error:?}");
                turned_away += 1;
            }
        }
    }
    assert!(new > 0 && turned_away > 0, "{new} {turned_away}");

    let old = {
        store.fail(true);
        let left = ids.iter().map(|id| engine.read(id, ReadOptions::default()));
        join_all(left).await
    };
    let kept = old.iter().flatten().filter(|answer| is_kept(answer, "v2")).count();
    assert!(kept > 0, "with the store away there is nothing newer to be had: {old:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_cache_off_a_store_that_is_away_is_left_alone_too() {
    let store = FakeStore::new();
    let engine = engine_at(&CacheUrl::Off, &store, unforgiving());
    store.fail(true);
    fail_until_open(&engine).await;
    store.fail(false);
    assert!(matches!(engine.read("1", ReadOptions::default()).await, Err(ReadError::BreakerOpen)));
    let many = engine.read_many(&["1", "2"], ReadOptions::default()).await;
    assert!(many.iter().all(|answer| matches!(answer, Err(ReadError::BreakerOpen))), "{many:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_come_in_batches_close_the_breaker_again_and_failing_batches_open_it() {
    let store = FakeStore::new();
    let engine = engine_at(&CacheUrl::Memory, &store, aging());
    store.fail(true);
    for _ in 0..5 {
        engine.read_many(&["1", "2", "3"], ReadOptions::default()).await;
    }
    assert_ne!(engine.store_breaker(), BreakerState::Closed);
    store.fail(false);
    store.set("1", "one");
    store.fail_one(Some("2"));
    until("a batch of which one value was given closes it", || async {
        engine.read_many(&["1", "2", "3"], ReadOptions::default()).await;
        engine.store_breaker() == BreakerState::Closed
    })
    .await;
}

/// So that a commit can say what it was given.
#[tokio::test]
async fn a_write_that_is_admitted_as_the_probe_closes_the_breaker() {
    let store = FakeStore::new();
    let engine = engine_at(&CacheUrl::Memory, &store, aging().with(|o| o.breaker_pause = Duration::ZERO));
    for _ in 0..5 {
        let _ = engine.write("1", async { Commit::<(), _>::Unavailable(StoreDown) }).await;
    }
    assert_eq!(engine.store_breaker(), BreakerState::HalfOpen);
    let commit = async { Commit::<_, StoreDown>::Value { version: 7, body: Bytes::from_static(b"seven"), result: () } };
    assert_eq!(engine.write("1", commit).await.unwrap().version, 7);
    assert_eq!(engine.store_breaker(), BreakerState::Closed);
}

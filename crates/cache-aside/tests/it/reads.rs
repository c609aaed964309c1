//! The read path: outcomes, and how often the store is read.

use std::time::Duration;

use cache_aside::{CacheUrl, Detail, Outcome, ReadError, ReadOptions};

use crate::support::{
    FakeStore, Over, body, engine, engine_at, get, loads, options, outcome, over_each_cache, put, until,
};

over_each_cache! {
    a_miss_fills_and_the_next_read_is_a_hit
    what_does_not_exist_is_remembered_as_absent
    two_hundred_first_readers_of_one_id_make_one_store_read
    a_client_that_goes_away_does_not_take_the_fill_from_the_others
    a_read_that_starts_after_a_write_does_not_join_an_older_fill
    a_fill_that_was_overtaken_by_a_write_stores_nothing
    refetch_reads_the_store_and_fills
    only_if_cached_never_reads_the_store
    a_version_asked_for_is_read_from_the_store_or_refused
    past_its_fresh_time_a_value_is_stale_and_refreshed_once
    long_past_its_fresh_time_a_value_is_read_again
    a_value_is_answered_past_its_time_if_the_store_fails
    an_error_is_never_cached_as_absence
    ids_with_braces_and_percents_are_ids
}

async fn a_miss_fills_and_the_next_read_is_a_hit(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let version = store.set("1", "one");
    let first = get(&engine, "1").await;
    assert_eq!((first.outcome, first.detail, body(&first)), (Outcome::Miss, Some(Detail::Stored), Some("one")));
    let second = get(&engine, "1").await;
    assert_eq!((second.outcome, body(&second)), (Outcome::Hit, Some("one")));
    assert_eq!(second.entry.unwrap().version, version);
    assert!((50_000..=66_000).contains(&second.ttl_ms), "about a minute: {}", second.ttl_ms);
    assert_eq!(loads(&engine), 1);
}

async fn what_does_not_exist_is_remembered_as_absent(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let first = get(&engine, "nobody").await;
    assert_eq!((first.outcome, first.entry), (Outcome::Miss, None));
    let second = get(&engine, "nobody").await;
    assert_eq!((second.outcome, second.entry), (Outcome::Absent, None));
    assert_eq!(loads(&engine), 1);
    put(&engine, "nobody", "somebody").await;
    assert_eq!(body(&get(&engine, "nobody").await), Some("somebody"), "a create ends the absence");
}

async fn two_hundred_first_readers_of_one_id_make_one_store_read(over: Over) {
    let store = FakeStore::new();
    store.set("hot", "body");
    let engine = engine(over, &store, options());
    let held = store.hold().await;
    let readers: Vec<_> = (0..200)
        .map(|n| {
            let worker = if n % 2 == 0 { engine.clone() } else { engine.per_worker() };
            tokio::spawn(async move { get(&worker, "hot").await })
        })
        .collect();
    store.begun(1).await;
    drop(held);
    let mut collapsed = 0;
    for reader in readers {
        let answer = reader.await.unwrap();
        assert_eq!(body(&answer), Some("body"));
        collapsed += u32::from(answer.detail == Some(Detail::Collapsed));
    }
    assert_eq!(loads(&engine), 1);
    assert!(collapsed > 0, "nobody shared the read");
}

async fn a_client_that_goes_away_does_not_take_the_fill_from_the_others(over: Over) {
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine(over, &store, options());
    let held = store.hold().await;
    let leader = tokio::spawn({
        let engine = engine.clone();
        async move { get(&engine, "1").await }
    });
    store.begun(1).await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    drop(held);
    assert_eq!(body(&get(&engine, "1").await), Some("one"));
    assert_eq!(loads(&engine), 1);
}

async fn a_read_that_starts_after_a_write_does_not_join_an_older_fill(over: Over) {
    let store = FakeStore::new();
    store.set("1", "old");
    let engine = engine(over, &store, options());
    let held = store.hold().await;
    let early = tokio::spawn({
        let engine = engine.clone();
        async move { get(&engine, "1").await }
    });
    store.begun(1).await;
    // The write publishes into the cache, so a reader that starts now hits, or at worst must not get the old body.
    put(&engine, "1", "new").await;
    let late = tokio::spawn({
        let engine = engine.clone();
        async move { engine.read("1", ReadOptions::refetch()).await.unwrap() }
    });
    until("it waits for the older fill", || async { engine.stats().reads.single_flight_waits == 1 }).await;
    drop(held);
    assert_eq!(body(&early.await.unwrap()), Some("old"), "it began before the write");
    assert_eq!(body(&late.await.unwrap()), Some("new"));
    assert_eq!(body(&get(&engine, "1").await), Some("new"));
}

async fn a_fill_that_was_overtaken_by_a_write_stores_nothing(over: Over) {
    let store = FakeStore::new();
    store.set("1", "old");
    let engine = engine(over, &store, options());
    let held = store.hold().await;
    let early = tokio::spawn({
        let engine = engine.clone();
        async move { get(&engine, "1").await }
    });
    store.begun(1).await;
    put(&engine, "1", "new").await;
    drop(held);
    let early = early.await.unwrap();
    assert_eq!((early.outcome, early.detail), (Outcome::Miss, None), "read, but not stored");
    let now = get(&engine, "1").await;
    assert_eq!((now.outcome, body(&now)), (Outcome::Hit, Some("new")));
}

async fn refetch_reads_the_store_and_fills(over: Over) {
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine(over, &store, options());
    get(&engine, "1").await;
    store.set("1", "two");
    assert_eq!(body(&get(&engine, "1").await), Some("one"), "written past the cache");
    let fresh = engine.read("1", ReadOptions::refetch()).await.unwrap();
    assert_eq!((fresh.outcome, body(&fresh)), (Outcome::Miss, Some("two")));
    let next = get(&engine, "1").await;
    assert_eq!((next.outcome, body(&next)), (Outcome::Hit, Some("two")));
}

async fn only_if_cached_never_reads_the_store(over: Over) {
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine(over, &store, options());
    let cached = ReadOptions::only_if_cached();
    assert!(matches!(engine.read("1", cached).await, Err(ReadError::NotCached)));
    assert_eq!(loads(&engine), 0);
    get(&engine, "1").await;
    assert_eq!(engine.read("1", cached).await.unwrap().outcome, Outcome::Hit);
}

async fn a_version_asked_for_is_read_from_the_store_or_refused(over: Over) {
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine(over, &store, options());
    get(&engine, "1").await;
    let version = store.set("1", "two");
    let at_least = |min_version| ReadOptions::at_least(min_version);
    assert_eq!(body(&engine.read("1", at_least(version)).await.unwrap()), Some("two"));
    assert!(matches!(engine.read("1", at_least(version + 1)).await, Err(ReadError::TooOld)));
}

async fn past_its_fresh_time_a_value_is_stale_and_refreshed_once(over: Over) {
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine(
        over,
        &store,
        options().with(|o| {
            o.fresh = Duration::from_millis(1);
            o.early_refresh_beta = 0.0;
        }),
    );
    get(&engine, "1").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    store.set("1", "two");
    let held = store.hold().await;
    let stale = get(&engine, "1").await;
    assert_eq!((stale.outcome, body(&stale)), (Outcome::Stale, Some("one")));
    assert!(stale.ttl_ms <= 0);
    for _ in 0..20 {
        assert_eq!(outcome(&engine, "1").await, Outcome::Stale);
    }
    store.begun(2).await;
    assert_eq!(loads(&engine), 2, "one fill, one refresh");
    drop(held);
    until("the refresh is in the cache", || async { body(&get(&engine, "1").await) == Some("two") }).await;
}

async fn long_past_its_fresh_time_a_value_is_read_again(over: Over) {
    let store = FakeStore::new();
    store.set("1", "one");
    let times = options().with(|o| {
        o.fresh = Duration::from_millis(1);
        o.stale_while_revalidate = Duration::ZERO;
    });
    let engine = engine(over, &store, times);
    get(&engine, "1").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    store.set("1", "two");
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, body(&answer)), (Outcome::Miss, Some("two")));
}

async fn a_value_is_answered_past_its_time_if_the_store_fails(over: Over) {
    let store = FakeStore::new();
    store.set("1", "one");
    let times = options().with(|o| {
        o.fresh = Duration::from_millis(1);
        o.stale_while_revalidate = Duration::ZERO;
    });
    let engine = engine(over, &store, times);
    get(&engine, "1").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    store.fail(true);
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, answer.detail), (Outcome::Stale, Some(Detail::StaleIfError)));
    assert_eq!(body(&answer), Some("one"));
    let demanded = engine.read("1", ReadOptions::refetch()).await;
    assert!(matches!(demanded, Err(ReadError::Source(_))), "who asks for the store gets its failure");
}

async fn an_error_is_never_cached_as_absence(over: Over) {
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine(over, &store, options());
    store.fail(true);
    let failed = engine.read("1", ReadOptions::default()).await;
    assert!(matches!(failed, Err(ReadError::Source(_))), "{failed:?}");
    store.fail(false);
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, body(&answer)), (Outcome::Miss, Some("one")));
    assert_eq!(answer.detail, Some(Detail::Stored), "the failed fill gave its lease back");
}

async fn ids_with_braces_and_percents_are_ids(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    for id in ["}", "{", "{}", "a}b", "%7D", "ä ö\u{1F600}", "'; FLUSHALL"] {
        store.set(id, id);
        assert_eq!(body(&get(&engine, id).await), Some(id));
        let again = get(&engine, id).await;
        assert_eq!((again.outcome, body(&again)), (Outcome::Hit, Some(id)));
    }
}

#[tokio::test]
async fn without_a_cache_every_read_goes_to_the_store() {
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine_at(&CacheUrl::Off, &store, options());
    for reads in 1..=3 {
        let answer = get(&engine, "1").await;
        assert_eq!((answer.outcome, answer.detail), (Outcome::Bypass, Some(Detail::CacheOff)));
        assert_eq!(loads(&engine), reads);
    }
}

#[tokio::test]
async fn reads_beyond_the_store_s_share_are_turned_away_in_time() {
    let store = FakeStore::new();
    store.set("1", "one");
    let few = options().with(|o| {
        o.store_concurrency = 1;
        o.store_queue = Duration::from_millis(20);
    });
    let engine = engine_at(&CacheUrl::Memory, &store, few);
    let held = store.hold().await;
    let first = tokio::spawn({
        let engine = engine.clone();
        async move { get(&engine, "1").await }
    });
    store.begun(1).await;
    assert!(matches!(engine.read("2", ReadOptions::default()).await, Err(ReadError::Overloaded)));
    drop(held);
    assert_eq!(body(&first.await.unwrap()), Some("one"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_one_fill_by_the_lease() {
    let store = FakeStore::new();
    store.set("1", "one");
    let shared = options();
    let (here, there) = (engine(Over::Redis, &store, shared.clone()), engine(Over::Redis, &store, shared));
    let held = store.hold().await;
    let first = tokio::spawn({
        let here = here.clone();
        async move { get(&here, "1").await }
    });
    store.begun(1).await;
    let second = tokio::spawn({
        let there = there.clone();
        async move { get(&there, "1").await }
    });
    until("it waits for the lease", || async { there.stats().reads.lease_waits == 1 }).await;
    drop(held);
    assert_eq!(body(&first.await.unwrap()), Some("one"));
    assert_eq!(body(&second.await.unwrap()), Some("one"));
    assert_eq!(loads(&here) + loads(&there), 1);
}

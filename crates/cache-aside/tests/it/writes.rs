//! The write path: what the cache knows when a write is acknowledged.

use cache_aside::{CacheUrl, Commit, Outcome, Published, WriteError, WritePolicy};

use crate::support::{FakeStore, Over, StoreDown, body, delete, engine, engine_at, get, loads, options, outcome};
use crate::support::{over_each_cache, put};

over_each_cache! {
    the_first_read_after_a_write_is_a_hit_of_what_was_written
    after_a_delete_nothing_is_found
    a_write_that_did_not_happen_gives_the_lease_back
    after_a_write_of_unknown_outcome_the_store_is_asked
    with_policy_invalidate_the_next_read_fills
    with_policy_none_the_cache_is_not_told
    writers_and_readers_of_one_id_agree_in_the_end
}

async fn the_first_read_after_a_write_is_a_hit_of_what_was_written(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    for text in ["one", "two", "three"] {
        let written = put(&engine, "1", text).await;
        assert_eq!(written.published, Published::Yes);
        let answer = get(&engine, "1").await;
        assert_eq!((answer.outcome, body(&answer)), (Outcome::Hit, Some(text)));
        assert_eq!(answer.entry.unwrap().version, written.version);
    }
    assert_eq!(loads(&engine), 0);
}

async fn after_a_delete_nothing_is_found(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    put(&engine, "1", "one").await;
    delete(&engine, "1").await;
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, answer.entry), (Outcome::Absent, None));
    put(&engine, "1", "again").await;
    assert_eq!(body(&get(&engine, "1").await), Some("again"));
}

async fn a_write_that_did_not_happen_gives_the_lease_back(over: Over) {
    let store = FakeStore::new();
    store.set("1", "one");
    let engine = engine(over, &store, options());
    assert_eq!(
        engine.write("1", async { Commit::<(), _>::Nothing(StoreDown) }).await,
        Err(WriteError::Store(StoreDown))
    );
    let answer = get(&engine, "1").await;
    assert_eq!(answer.detail, Some(cache_aside::Detail::Stored), "the reader got the lease");
}

async fn after_a_write_of_unknown_outcome_the_store_is_asked(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    put(&engine, "1", "one").await;
    let happened = store.clone();
    let unknown = async move {
        happened.set("1", "two");
        Commit::<(), _>::Unknown(StoreDown)
    };
    assert_eq!(engine.write("1", unknown).await, Err(WriteError::Store(StoreDown)));
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, body(&answer)), (Outcome::Miss, Some("two")));
}

async fn with_policy_invalidate_the_next_read_fills(over: Over) {
    let store = FakeStore::new();
    let engine = engine(
        over,
        &store,
        options().with(|o| {
            o.write_policy = WritePolicy::Invalidate;
        }),
    );
    put(&engine, "1", "one").await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Miss);
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
    put(&engine, "1", "two").await;
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, body(&answer)), (Outcome::Miss, Some("two")));
    delete(&engine, "1").await;
    assert_eq!(get(&engine, "1").await.entry, None);
}

async fn with_policy_none_the_cache_is_not_told(over: Over) {
    let store = FakeStore::new();
    let engine = engine(
        over,
        &store,
        options().with(|o| {
            o.write_policy = WritePolicy::None;
        }),
    );
    assert_eq!(put(&engine, "1", "one").await.published, Published::No);
    assert_eq!(outcome(&engine, "1").await, Outcome::Miss);
    put(&engine, "1", "two").await;
    assert_eq!(body(&get(&engine, "1").await), Some("one"), "until its fresh time ends");
}

/// Histories of many orders: whatever the interleaving, a reader that starts after an acknowledged write sees it or a
/// later one.
async fn writers_and_readers_of_one_id_agree_in_the_end(over: Over) {
    let store = FakeStore::new();
    let shared = options();
    let engine = engine(over, &store, shared);
    let acknowledged = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (engine, acknowledged) = (engine.per_worker(), acknowledged.clone());
            tokio::spawn(async move {
                for round in 0..100 {
                    if n < 3 {
                        let version = put(&engine, "1", "text").await.version;
                        acknowledged.fetch_max(version, std::sync::atomic::Ordering::SeqCst);
                    } else {
                        let floor = acknowledged.load(std::sync::atomic::Ordering::SeqCst);
                        let seen = get(&engine, "1").await.entry.map_or(0, |entry| entry.version);
                        assert!(seen >= floor, "round {round}: {floor} was acknowledged, {seen} was read");
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let last = acknowledged.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(get(&engine, "1").await.entry.map(|entry| entry.version), Some(last));
}

#[tokio::test]
async fn without_a_cache_writes_are_just_writes() {
    let store = FakeStore::new();
    let engine = engine_at(&CacheUrl::Off, &store, options());
    assert_eq!(put(&engine, "1", "one").await.published, Published::No);
    assert_eq!(body(&get(&engine, "1").await), Some("one"));
}

//! How the store is read: so many at a time, and only for so long.

use std::error::Error;
use std::time::Duration;

use cache_aside::{CacheUrl, Outcome, ReadError, ReadOptions};

use crate::read_many::{fill, ids};
use crate::support::{FakeStore, Over, StoreDown, body, engine, engine_at, get, options, outcome, over_each_cache};

over_each_cache! {
    a_batch_that_comes_back_short_answers_nobody
    a_store_that_takes_too_long_has_failed
}

async fn a_batch_that_comes_back_short_answers_nobody(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let ids = ids(0..3);
    fill(&store, &ids);
    store.shorten_batches();
    let answers = engine.read_many(&ids, ReadOptions::default()).await;
    assert!(
        answers.iter().all(|answer| matches!(answer, Err(ReadError::Mismatch { asked: 3, given: 2 }))),
        "{answers:?}"
    );
    assert_eq!(outcome(&engine, &ids[0]).await, Outcome::Miss, "nothing was stored, and no lease kept");
}

async fn a_store_that_takes_too_long_has_failed(over: Over) {
    let store = FakeStore::new();
    let brief = Duration::from_millis(30);
    let engine = engine(over, &store, options().with(|o| o.load_timeout = brief));
    let ids = ids(0..2);
    fill(&store, &ids);
    let held = store.hold().await;
    let answers = engine.read_many(&ids, ReadOptions::default()).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(ReadError::Timeout(after)) if *after == brief)));
    let single = engine.read(&ids[0], ReadOptions::default()).await;
    assert!(matches!(single, Err(ReadError::Timeout(_))), "{single:?}");
    assert_eq!(engine.stats().loads.timed_out, 3);
    drop(held);
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

#[tokio::test]
async fn a_failed_load_carries_its_cause_to_everybody_who_waited() {
    let store = FakeStore::new();
    let engine = engine_at(&CacheUrl::Memory, &store, options());
    store.fail(true);
    let reads = (0..10).map(|_| engine.read("1", ReadOptions::default()));
    for failed in futures::future::join_all(reads).await {
        let error = failed.unwrap_err();
        assert!(error.source().unwrap().is::<StoreDown>(), "{error:?}");
        assert_eq!(error.to_string(), "the store failed");
    }
    assert!(engine.stats().loads.failed >= 1);
}

//! Reads that miss at the same moment are one query of the store, and each keeps what holds for a read by itself.
//!
//! On one thread, so that all that is begun at once has come to the queue before anything else happens.

use std::time::Duration;

use cache_aside::{Answer, BreakerState, CacheAside, CacheUrl, Detail, Outcome, ReadError, ReadOptions};
use futures::future::join_all;
use tokio::sync::SemaphorePermit;
use tokio::task::JoinHandle;

use crate::read_many::{bodies, fill, ids};
use crate::support::{FakeStore, StoreDown, body, engine_at, get, loads, options, put, until};

type Engine = CacheAside<FakeStore>;
type Read = Result<Answer, ReadError<StoreDown>>;

/// Sixteen at most.
fn gathering(url: &CacheUrl) -> (FakeStore, Engine) {
    let store = FakeStore::with_batches(64);
    let engine = engine_at(url, &store, options().with(|o| o.store_concurrency = 32));
    (store, engine)
}

/// Two loads that are under way until the permit goes.
async fn busy<'a>(store: &'a FakeStore, engine: &Engine) -> (SemaphorePermit<'a>, [JoinHandle<Read>; 2]) {
    let held = store.hold().await;
    let reads = ["first", "second"].map(|id| read(engine, id));
    store.begun(2).await;
    (held, reads)
}

fn read(engine: &Engine, id: &str) -> JoinHandle<Read> {
    let (engine, id) = (engine.clone(), id.to_owned());
    tokio::spawn(async move { engine.read(&id, ReadOptions::default()).await })
}

async fn all(reads: impl IntoIterator<Item = JoinHandle<Read>>) -> Vec<Read> {
    join_all(reads).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn who_misses_while_the_store_is_asked_goes_with_others_and_gets_its_own() {
    for url in [CacheUrl::Memory, CacheUrl::Off] {
        let (store, engine) = gathering(&url);
        let ids = ids(0..10);
        fill(&store, &ids[..9]);
        let (held, first) = busy(&store, &engine).await;
        let reads: Vec<_> = ids.iter().map(|id| read(&engine, id)).collect();
        until("all are asked for", async || loads(&engine) == 12).await;
        drop(held);
        let answers: Vec<Answer> = all(reads).await.into_iter().map(Result::unwrap).collect();
        let wanted: Vec<_> = ids.iter().map(|id| Some(id.as_str())).collect();
        assert_eq!(bodies(&answers), [&wanted[..9], &[None]].concat());
        assert_eq!(store.batches(), [10]);
        assert_eq!(engine.stats().loads.queries, 3);
        all(first).await;
        if let CacheUrl::Memory = url {
            let again = join_all(ids.iter().map(|id| get(&engine, id))).await;
            assert!(again.iter().all(|answer| matches!(answer.outcome, Outcome::Hit | Outcome::Absent)), "{again:?}");
            assert_eq!(bodies(&again), bodies(&answers));
        }
    }
}

#[tokio::test]
async fn who_finds_the_store_idle_goes_at_once_and_alone() {
    let (store, engine) = gathering(&CacheUrl::Memory);
    for id in ids(0..20) {
        get(&engine, &id).await;
    }
    assert!(store.batches().is_empty());
    assert_eq!(engine.stats().loads.queries, 20);
}

#[tokio::test]
async fn a_value_that_cannot_be_given_is_the_error_of_its_reader_only() {
    let (store, engine) = gathering(&CacheUrl::Memory);
    let ids = ids(0..5);
    fill(&store, &ids);
    store.fail_one(Some(&ids[3]));
    let (held, _first) = busy(&store, &engine).await;
    let reads: Vec<_> = ids.iter().map(|id| read(&engine, id)).collect();
    until("all are asked for", async || loads(&engine) == 7).await;
    drop(held);
    let answers = all(reads).await;
    assert_eq!(store.batches(), [5]);
    for (at, answer) in answers.iter().enumerate() {
        match answer {
            Ok(answer) => assert_eq!((body(answer), answer.detail), (Some(&*ids[at]), Some(Detail::Stored))),
            Err(error) => assert!(at == 3 && matches!(error, ReadError::Source(_)), "{at}: {error:?}"),
        }
    }
    store.fail_one(None);
    assert_eq!(body(&get(&engine, &ids[3]).await), Some("id 3"), "its lease was given back");
}

#[tokio::test]
async fn a_query_that_fails_fails_for_each_and_takes_no_lease_along() {
    let (store, engine) = gathering(&CacheUrl::Memory);
    let ids = ids(0..4);
    fill(&store, &ids);
    store.shorten_batches();
    let (held, _first) = busy(&store, &engine).await;
    let reads: Vec<_> = ids.iter().map(|id| read(&engine, id)).collect();
    until("all are asked for", async || loads(&engine) == 6).await;
    drop(held);
    for answer in all(reads).await {
        assert!(matches!(answer, Err(ReadError::Mismatch { asked: 4, given: 3 })), "{answer:?}");
    }
    for id in &ids {
        assert_eq!(get(&engine, id).await.detail, Some(Detail::Stored));
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_has_failed_for_each() {
    let store = FakeStore::with_batches(64);
    let brief = Duration::from_millis(50);
    let engine = engine_at(&CacheUrl::Memory, &store, options().with(|o| o.load_timeout = brief));
    let held = store.hold().await;
    let answers = all(ids(0..10).iter().map(|id| read(&engine, id)).collect::<Vec<_>>()).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(ReadError::Timeout(_)))), "{answers:?}");
    assert_eq!((store.batches(), engine.stats().loads.timed_out), (vec![9], 10));
    assert_eq!(engine.store_breaker(), BreakerState::Closed, "perhaps it hangs on one of them only");
    drop(held);
}

#[tokio::test]
async fn a_store_that_fails_for_many_at_one_time_is_left_alone_at_once() {
    let store = FakeStore::with_batches(64);
    let setup = options().with(|o| o.breaker_pause = Duration::from_secs(3_600));
    let engine = engine_at(&CacheUrl::Memory, &store, setup);
    let held = store.hold().await;
    let first = read(&engine, "first");
    store.begun(1).await;
    store.fail(true);
    let answers = all(ids(0..10).iter().map(|id| read(&engine, id)).collect::<Vec<_>>()).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(ReadError::Source(_)))), "{answers:?}");
    assert_eq!((store.batches(), engine.store_breaker()), (vec![10], BreakerState::Open));
    drop(held);
    assert!(first.await.unwrap().is_ok());
}

#[tokio::test]
async fn who_leads_a_query_and_goes_away_leaves_the_others_to_another() {
    let (store, engine) = gathering(&CacheUrl::Off);
    let ids = ids(0..3);
    fill(&store, &ids);
    let (held, _first) = busy(&store, &engine).await;
    let mut reads: Vec<_> = ids.iter().map(|id| read(&engine, id)).collect();
    until("all are asked for", async || loads(&engine) == 5).await;
    let leader = reads.remove(0);
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    until("the others are asked for again", async || loads(&engine) == 7).await;
    drop(held);
    let answers: Vec<Answer> = all(reads).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(bodies(&answers), [Some("id 1"), Some("id 2")]);
}

#[tokio::test]
async fn without_a_cache_an_id_that_several_want_is_asked_for_once() {
    let (store, engine) = gathering(&CacheUrl::Off);
    store.set("same", "same");
    let (held, _first) = busy(&store, &engine).await;
    let reads: Vec<_> = ["same", "other", "same", "same"].map(|id| read(&engine, id)).into();
    until("all are asked for", async || loads(&engine) == 4).await;
    drop(held);
    let answers: Vec<Answer> = all(reads).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(bodies(&answers), [Some("same"), None, Some("same"), Some("same")]);
    assert_eq!(store.batches(), [2]);
}

#[tokio::test]
async fn a_value_that_was_written_since_is_not_stored_and_the_others_of_its_query_are() {
    let (store, engine) = gathering(&CacheUrl::Memory);
    let ids = ids(0..3);
    fill(&store, &ids);
    let (held, _first) = busy(&store, &engine).await;
    let reads: Vec<_> = ids.iter().map(|id| read(&engine, id)).collect();
    // The query has read the first of them.
    store.begun(3).await;
    put(&engine, &ids[0], "new").await;
    drop(held);
    let early: Vec<Answer> = all(reads).await.into_iter().map(Result::unwrap).collect();
    assert_eq!((body(&early[0]), early[0].detail), (Some("id 0"), None), "read before the write, and not stored");
    let now = join_all(ids.iter().map(|id| get(&engine, id))).await;
    assert_eq!(bodies(&now), [Some("new"), Some("id 1"), Some("id 2")]);
    assert!(now.iter().all(|answer| answer.outcome == Outcome::Hit));
}

#[tokio::test]
async fn the_store_is_asked_for_no_more_values_at_one_time_than_it_may_be() {
    let store = FakeStore::with_batches(64);
    let engine = engine_at(&CacheUrl::Memory, &store, options().with(|o| o.store_concurrency = 8));
    let ids = ids(0..40);
    fill(&store, &ids);
    let held = store.hold().await;
    let reads: Vec<_> = ids.iter().map(|id| read(&engine, id)).collect();
    until("as many as may be", async || engine.stats().loads.running == 8).await;
    assert_eq!(loads(&engine), 8, "the others wait");
    drop(held);
    let answers: Vec<Answer> = all(reads).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(bodies(&answers), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
    assert!(store.batches().iter().all(|size| *size <= 4), "half of them at most");
    assert_eq!(loads(&engine), 40);
}

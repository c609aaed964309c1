//! Reads of many ids: the rules of a single read hold for each, and each id gets its own answer.

use std::time::Duration;

use cache_aside::{Answer, CacheAside, CacheUrl, Detail, Outcome, ReadError, ReadOptions};
use deadpool_redis::redis::{Client, cmd};
use test_servers::RedisServer;

use crate::support::{FakeStore, Over, Setup, body, delete, engine, engine_at, get, loads, options, outcome};
use crate::support::{over_each_cache, put, redis_url, until};

over_each_cache! {
    each_id_gets_its_own_answer_in_order
    what_is_missing_is_loaded_by_one_batch_and_then_hit
    an_id_that_comes_twice_is_read_once
    first_readers_of_the_same_ids_share_one_load_each
    a_batch_that_was_overtaken_by_a_write_stores_nothing_of_that_id
    a_batch_that_starts_after_a_write_does_not_share_an_older_load
    a_client_that_goes_away_takes_nothing_from_the_others
    options_hold_for_every_id
    one_failed_load_fails_one_answer_and_gives_its_lease_back
    past_its_fresh_time_each_value_is_stale_and_refreshed
    stale_values_are_answered_if_the_store_fails
    a_batch_that_comes_back_short_answers_nobody
    a_store_that_takes_too_long_has_failed
    nothing_is_read_for_no_ids
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("id {n}")).collect()
}

async fn all(engine: &CacheAside<FakeStore>, ids: &[impl AsRef<str>]) -> Vec<Answer> {
    let answers = engine.read_many(ids, ReadOptions::default()).await;
    answers.into_iter().map(Result::unwrap).collect()
}

fn bodies(answers: &[Answer]) -> Vec<Option<&str>> {
    answers.iter().map(body).collect()
}

/// Mixed up, any two of them would be noticed: every body is its id.
fn fill(store: &FakeStore, ids: &[String]) {
    for id in ids {
        store.set(id, id);
    }
}

async fn each_id_gets_its_own_answer_in_order(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let ids = ids(0..230);
    fill(&store, &ids);
    // Every third is in the cache already, every seventh does not exist, and some are being filled by others.
    for id in ids.iter().step_by(3) {
        get(&engine, id).await;
    }
    for id in ids.iter().step_by(7) {
        store.remove(id);
    }
    let others: Vec<_> = (0..3)
        .map(|n| {
            let (engine, ids) = (engine.per_worker(), ids.clone());
            tokio::spawn(async move {
                let own: Vec<_> = ids.iter().skip(n).step_by(n + 2).rev().collect();
                let answers = all(&engine, &own).await;
                for (id, answer) in own.iter().zip(&answers) {
                    assert!(body(answer).is_none_or(|body| body == *id), "{id}: {answer:?}");
                }
            })
        })
        .collect();
    for _ in 0..2 {
        let answers = all(&engine, &ids).await;
        assert_eq!(answers.len(), ids.len());
        for (n, (id, answer)) in ids.iter().zip(&answers).enumerate() {
            let there = n % 7 != 0 || n % 3 == 0;
            assert_eq!(body(answer), there.then_some(id.as_str()), "{id}: {answer:?}");
        }
    }
    for other in others {
        other.await.unwrap();
    }
}

async fn what_is_missing_is_loaded_by_one_batch_and_then_hit(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let ids = ids(0..20);
    fill(&store, &ids[..15]);
    put(&engine, &ids[3], "written").await;
    let first = all(&engine, &ids).await;
    assert_eq!(store.batches(), [19]);
    assert_eq!(first.iter().filter(|answer| answer.outcome == Outcome::Miss).count(), 19);
    assert!(first.iter().all(|answer| answer.outcome == Outcome::Hit || answer.detail == Some(Detail::Stored)));
    let second = all(&engine, &ids).await;
    assert_eq!(bodies(&first), bodies(&second));
    assert!(store.batches().is_empty());
    assert_eq!(second.iter().filter(|answer| answer.outcome == Outcome::Absent).count(), 5);
    assert_eq!(second.iter().filter(|answer| answer.outcome == Outcome::Hit).count(), 15);
    assert_eq!(loads(&engine), 19);
    let reads = engine.stats().reads;
    assert_eq!((reads.misses, reads.hits, reads.absent), (19, 16, 5));
}

async fn an_id_that_comes_twice_is_read_once(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    fill(&store, &["a".to_owned(), "b".to_owned()]);
    let answers = all(&engine, &["a", "b", "a", "nobody", "a", "nobody"]).await;
    assert_eq!(bodies(&answers), [Some("a"), Some("b"), Some("a"), None, Some("a"), None]);
    assert_eq!(loads(&engine), 3);
}

async fn first_readers_of_the_same_ids_share_one_load_each(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let ids = ids(0..10);
    fill(&store, &ids);
    let held = store.hold().await;
    let single = tokio::spawn({
        let (engine, id) = (engine.clone(), ids[4].clone());
        async move { get(&engine, &id).await }
    });
    store.begun(1).await;
    let batches: Vec<_> = (0..5)
        .map(|n| {
            let (engine, mut ids) = (engine.per_worker(), ids.clone());
            ids.rotate_left(n);
            tokio::spawn(async move {
                let answers = all(&engine, &ids).await;
                assert_eq!(bodies(&answers), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
            })
        })
        .collect();
    let joins_a_batch = tokio::spawn({
        let (engine, id) = (engine.clone(), ids[7].clone());
        async move { get(&engine, &id).await }
    });
    // Of 52 reads of an id, ten lead.
    until("all wait", || async { engine.stats().reads.single_flight_waits == 42 }).await;
    drop(held);
    for batch in batches {
        batch.await.unwrap();
    }
    assert_eq!(body(&single.await.unwrap()), Some("id 4"));
    assert_eq!(body(&joins_a_batch.await.unwrap()), Some("id 7"));
    assert_eq!(loads(&engine), 10);
}

async fn a_batch_that_was_overtaken_by_a_write_stores_nothing_of_that_id(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let ids = ids(0..5);
    fill(&store, &ids);
    let held = store.hold().await;
    let early = tokio::spawn({
        let (engine, ids) = (engine.clone(), ids.clone());
        async move { all(&engine, &ids).await }
    });
    // Batches are loaded one after the other: the first has been read by the store now.
    store.begun(1).await;
    put(&engine, &ids[0], "new").await;
    delete(&engine, &ids[1]).await;
    drop(held);
    let early = early.await.unwrap();
    assert_eq!((early[0].outcome, early[0].detail), (Outcome::Miss, None), "read, but not stored");
    let now = all(&engine, &ids).await;
    assert_eq!((now[0].outcome, body(&now[0])), (Outcome::Hit, Some("new")));
    assert_eq!(body(&now[1]), None);
    assert!(now[2..].iter().all(|answer| answer.outcome == Outcome::Hit), "the others were stored");
}

async fn a_batch_that_starts_after_a_write_does_not_share_an_older_load(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let ids = ids(0..3);
    fill(&store, &ids);
    let held = store.hold().await;
    let early = tokio::spawn({
        let (engine, ids) = (engine.clone(), ids.clone());
        async move { all(&engine, &ids).await }
    });
    store.begun(1).await;
    put(&engine, &ids[0], "new").await;
    let late = tokio::spawn({
        let (engine, ids) = (engine.clone(), ids.clone());
        async move { engine.read_many(&ids, ReadOptions::refetch()).await }
    });
    until("it waits", || async { engine.stats().reads.single_flight_waits >= 3 }).await;
    drop(held);
    early.await.unwrap();
    let late: Vec<_> = late.await.unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(bodies(&late), [Some("new"), Some("id 1"), Some("id 2")]);
}

async fn a_client_that_goes_away_takes_nothing_from_the_others(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let ids = ids(0..4);
    fill(&store, &ids);
    let held = store.hold().await;
    let leader = tokio::spawn({
        let (engine, ids) = (engine.clone(), ids.clone());
        async move { all(&engine, &ids).await }
    });
    store.begun(1).await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    drop(held);
    assert_eq!(bodies(&all(&engine, &ids).await), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
    assert_eq!(loads(&engine), 4);
}

async fn options_hold_for_every_id(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let ids = ids(0..3);
    fill(&store, &ids);
    get(&engine, &ids[0]).await;
    let cached = engine.read_many(&ids, ReadOptions::only_if_cached()).await;
    assert!(cached[0].is_ok());
    assert!(cached[1..].iter().all(|answer| matches!(answer, Err(ReadError::NotCached))), "{cached:?}");
    assert_eq!(loads(&engine), 1);
    let version = store.set(&ids[0], "two");
    let newer = engine.read_many(&ids, ReadOptions::at_least(version)).await;
    assert_eq!(body(newer[0].as_ref().unwrap()), Some("two"));
    assert!(newer[1..].iter().all(|answer| matches!(answer, Err(ReadError::TooOld))), "{newer:?}");
    store.set(&ids[1], "three");
    let fresh = engine.read_many(&ids, ReadOptions::refetch()).await;
    assert_eq!(body(fresh[1].as_ref().unwrap()), Some("three"));
}

async fn one_failed_load_fails_one_answer_and_gives_its_lease_back(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let ids = ids(0..3);
    fill(&store, &ids);
    store.fail_one(Some(&ids[1]));
    let answers = engine.read_many(&ids, ReadOptions::default()).await;
    assert!(matches!(&answers[1], Err(ReadError::Source(_))), "{answers:?}");
    assert_eq!(
        (answers[0].as_ref().unwrap().outcome, answers[2].as_ref().unwrap().outcome),
        (Outcome::Miss, Outcome::Miss)
    );
    store.fail_one(None);
    let again = all(&engine, &ids).await;
    assert_eq!((body(&again[1]), again[1].detail), (Some("id 1"), Some(Detail::Stored)));
    assert_eq!(again[0].outcome, Outcome::Hit);
    assert_eq!(engine.stats().loads.failed, 1);
}

async fn past_its_fresh_time_each_value_is_stale_and_refreshed(over: Over) {
    let store = FakeStore::new();
    let brief = options().with(|o| {
        o.fresh = Duration::from_millis(1);
        o.early_refresh_beta = 0.0;
    });
    let engine = engine(over, &store, brief);
    let ids = ids(0..3);
    fill(&store, &ids);
    all(&engine, &ids).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    store.set(&ids[2], "new");
    let stale = all(&engine, &ids).await;
    assert!(stale.iter().all(|answer| answer.outcome == Outcome::Stale));
    assert_eq!(body(&stale[2]), Some("id 2"));
    until("it is refreshed", || async { body(&all(&engine, &ids).await[2]) == Some("new") }).await;
}

async fn stale_values_are_answered_if_the_store_fails(over: Over) {
    let store = FakeStore::new();
    let times = options().with(|o| {
        o.fresh = Duration::from_millis(1);
        o.stale_while_revalidate = Duration::ZERO;
    });
    let engine = engine(over, &store, times);
    let ids = ids(0..3);
    fill(&store, &ids);
    all(&engine, &ids[..2]).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    store.fail(true);
    let answers = engine.read_many(&ids, ReadOptions::default()).await;
    for (id, answer) in ids.iter().zip(&answers[..2]) {
        let answer = answer.as_ref().unwrap();
        assert_eq!((answer.detail, body(answer)), (Some(Detail::StaleIfError), Some(id.as_str())));
    }
    assert!(matches!(&answers[2], Err(ReadError::Source(_))));
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

async fn nothing_is_read_for_no_ids(over: Over) {
    let engine = engine(over, &FakeStore::new(), options());
    assert!(engine.read_many::<&str>(&[], ReadOptions::default()).await.is_empty());
}

#[tokio::test]
async fn without_a_cache_every_batch_goes_to_the_store() {
    let store = FakeStore::new();
    let engine = engine_at(&CacheUrl::Off, &store, options());
    let ids = ids(0..3);
    fill(&store, &ids);
    for _ in 0..2 {
        let answers = all(&engine, &ids).await;
        assert!(answers.iter().all(|answer| answer.detail == Some(Detail::CacheOff)));
        assert_eq!(store.batches(), [3]);
    }
}

#[tokio::test]
async fn a_redis_that_is_away_costs_no_answer() {
    let mut redis = RedisServer::start();
    redis.stop();
    let store = FakeStore::new();
    let engine = engine_at(&redis_url(&redis), &store, options());
    let ids = ids(0..3);
    fill(&store, &ids);
    let answers = all(&engine, &ids).await;
    assert!(answers.iter().all(|answer| answer.detail == Some(Detail::CacheError)), "{answers:?}");
    assert_eq!(bodies(&answers), [Some("id 0"), Some("id 1"), Some("id 2")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_loads_of_a_batch_by_leases() {
    let store = FakeStore::new();
    let shared = options();
    let (here, there) = (engine(Over::Redis, &store, shared.clone()), engine(Over::Redis, &store, shared));
    let ids = ids(0..10);
    fill(&store, &ids);
    let held = store.hold().await;
    let first = tokio::spawn({
        let (here, ids) = (here.clone(), ids.clone());
        async move { all(&here, &ids[..5]).await }
    });
    store.begun(1).await;
    let second = tokio::spawn({
        let (there, ids) = (there.clone(), ids.clone());
        async move { all(&there, &ids).await }
    });
    until("it waits for the leases", || async { there.stats().reads.lease_waits == 5 }).await;
    drop(held);
    first.await.unwrap();
    let second = second.await.unwrap();
    assert_eq!(bodies(&second), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
    assert_eq!(loads(&there), 5, "the other process was loading the first five");
}

fn commands(redis: &RedisServer, name: &str) -> u64 {
    let mut connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
    let info: String = cmd("INFO").arg("commandstats").query(&mut connection).unwrap();
    let line = info.lines().find(|line| line.starts_with(&format!("cmdstat_{name}:")));
    let calls = line.and_then(|line| line.split("calls=").nth(1)?.split(',').next()?.parse().ok());
    calls.unwrap_or(0)
}

#[tokio::test]
async fn fifty_hits_are_one_command() {
    let (store, redis) = (FakeStore::new(), RedisServer::start());
    let engine = engine_at(&redis_url(&redis), &store, options());
    let ids = ids(0..50);
    fill(&store, &ids);
    all(&engine, &ids).await;
    let before = (commands(&redis, "mget"), commands(&redis, "get"));
    let hits = all(&engine, &ids).await;
    assert!(hits.iter().all(|answer| answer.outcome == Outcome::Hit));
    assert_eq!((commands(&redis, "mget"), commands(&redis, "get")), (before.0 + 1, before.1));
}

#[tokio::test]
async fn a_server_in_cluster_mode_takes_a_batch_too() {
    let (store, redis) = (FakeStore::new(), RedisServer::start_with(&["--cluster-enabled", "yes"]));
    let mut connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
    cmd("CLUSTER").arg(&["ADDSLOTSRANGE", "0", "16383"]).exec(&mut connection).unwrap();
    until("the cluster is up", || async {
        let mut connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
        let info: String = cmd("CLUSTER").arg("INFO").query(&mut connection).unwrap();
        info.contains("cluster_state:ok")
    })
    .await;
    let engine = engine_at(&redis_url(&redis), &store, options());
    let ids = ids(0..20);
    fill(&store, &ids);
    all(&engine, &ids).await;
    let hits = all(&engine, &ids).await;
    assert!(hits.iter().all(|answer| answer.outcome == Outcome::Hit), "{hits:?}");
    assert_eq!(bodies(&hits), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l1_answers_its_part_of_a_batch() {
    let store = FakeStore::new();
    let engine = engine(Over::Redis, &store, Setup { l1: Some(Duration::from_secs(60)), ..options() });
    let ids = ids(0..4);
    fill(&store, &ids);
    until("L1 holds two", || async {
        all(&engine, &ids[..2]).await.iter().all(|answer| answer.detail == Some(Detail::L1))
    })
    .await;
    let answers = all(&engine, &ids).await;
    assert_eq!(bodies(&answers), ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
    assert!(answers[..2].iter().all(|answer| answer.detail == Some(Detail::L1)));
    assert!(answers[2..].iter().all(|answer| answer.detail != Some(Detail::L1)));
    put(&engine, &ids[0], "new").await;
    let answers = all(&engine, &ids).await;
    assert_eq!(body(&answers[0]), Some("new"));
    assert!(engine.stats().l1.entries >= 3, "{:?}", engine.stats().l1);
}

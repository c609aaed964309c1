//! Reads of one turn of the event loop go to Redis together, and each has its own answer.

use std::time::Duration;

use cache_aside::{BreakerState, Outcome, ReadOptions};
use deadpool_redis::redis::{Client, cmd};
use futures::future::join_all;
use test_servers::RedisServer;

use crate::support::{FakeStore, body, engine_at, get, options, put, redis_url};

#[tokio::test]
async fn each_of_many_reads_at_one_time_has_its_own_answer_whatever_is_beside_it() {
    let (redis, store, setup) = (RedisServer::start(), FakeStore::new(), options());
    let prefix = setup.prefix.clone();
    let engine = engine_at(&redis_url(&redis), &store, setup);
    let ids: Vec<String> = (0..600).map(|id| id.to_string()).collect();
    for id in ids.iter().filter(|id| !id.ends_with('7')) {
        store.set(id, id);
    }
    for outcome in [Outcome::Miss, Outcome::Hit] {
        let answers = join_all(ids.iter().map(|id| get(&engine, id))).await;
        for (id, answer) in ids.iter().zip(&answers) {
            assert_eq!(body(answer), Some(id.as_str()).filter(|id| !id.ends_with('7')), "{id}");
            let is_absent = outcome == Outcome::Hit && body(answer).is_none();
            assert_eq!(answer.outcome, if is_absent { Outcome::Absent } else { outcome }, "{id}");
        }
    }
    let mut admin = Client::open(redis.url()).unwrap().get_connection().unwrap();
    for (id, foreign) in [("1", "12345"), ("2", "1V of a damaged disk"), ("3", "")] {
        cmd("SET").arg(format!("{prefix}:{{{id}}}")).arg(foreign).exec(&mut admin).unwrap();
    }
    cmd("DEL").arg(format!("{prefix}:{{4}}")).exec(&mut admin).unwrap();
    cmd("HSET").arg(format!("{prefix}:{{4}}")).arg(&["name", "foreign"]).exec(&mut admin).unwrap();
    let answers = join_all(ids.iter().map(|id| get(&engine, id))).await;
    for (id, answer) in ids.iter().zip(&answers) {
        assert_eq!(body(answer), Some(id.as_str()).filter(|id| !id.ends_with('7')), "{id}");
        let is_foreign = ["1", "2", "3", "4"].contains(&id.as_str());
        assert_eq!(matches!(answer.outcome, Outcome::Hit | Outcome::Absent), !is_foreign, "{id}: {answer:?}");
    }
    for id in ["1", "2", "3", "4"] {
        assert_eq!(get(&engine, id).await.outcome, Outcome::Hit, "{id} was replaced");
    }
}

#[tokio::test]
async fn a_reader_who_goes_away_keeps_no_other_waiting() {
    let (redis, store) = (RedisServer::start(), FakeStore::new());
    let engine = engine_at(&redis_url(&redis), &store, options());
    for id in ["1", "2"] {
        put(&engine, id, "value").await;
    }
    // So many that the next is the first of a batch.
    let mut first: Vec<_> = (0..17).map(|_| Box::pin(engine.read("1", ReadOptions::default()))).collect();
    for read in &mut first {
        assert!(futures::poll!(read).is_pending());
    }
    let mut second = Box::pin(engine.read("2", ReadOptions::default()));
    assert!(futures::poll!(&mut second).is_pending());
    drop(first);
    assert_eq!(second.await.unwrap().outcome, Outcome::Hit);
}

#[tokio::test]
async fn the_breaker_hears_of_each_read_that_waited_in_vain() {
    let (redis, store) = (RedisServer::start(), FakeStore::new());
    let setup = options().with(|options| {
        options.redis_timeout = Duration::from_millis(300);
        options.breaker_failures = 20;
        options.breaker_pause = Duration::from_secs(600);
    });
    let engine = engine_at(&redis_url(&redis), &store, setup);
    let ids: Vec<String> = (0..20).map(|id| id.to_string()).collect();
    for id in &ids {
        store.set(id, id);
    }
    join_all(ids.iter().map(|id| get(&engine, id))).await;
    redis.suspend();
    let answers = join_all(ids.iter().map(|id| get(&engine, id))).await;
    redis.resume();
    assert!(answers.iter().all(|answer| answer.outcome == Outcome::Bypass), "{answers:?}");
    assert_eq!(engine.stats().breaker, BreakerState::Open);
}

#[tokio::test]
async fn keys_that_may_not_be_read_keep_no_others_from_being_hits() {
    let (redis, store, setup) = (RedisServer::start(), FakeStore::new(), options());
    let prefix = setup.prefix.clone();
    let engine = engine_at(&redis_url(&redis), &store, setup);
    let ids: Vec<String> = (0..60).map(|id| id.to_string()).collect();
    for id in &ids {
        store.set(id, id);
    }
    join_all(ids.iter().map(|id| get(&engine, id))).await;
    // Every key but those of ids that begin with 5.
    let others =
        ["resetkeys".to_owned(), format!("~{prefix}:{{[^5]*"), format!("~{prefix}:[^{{]*"), format!("~{prefix}[^:]*")];
    let mut admin = Client::open(redis.url()).unwrap().get_connection().unwrap();
    cmd("ACL").arg(&["SETUSER", "default"]).arg(&others).exec(&mut admin).unwrap();
    cmd("CONFIG").arg("RESETSTAT").exec(&mut admin).unwrap();
    let answers = join_all(ids.iter().map(|id| get(&engine, id))).await;
    for (id, answer) in ids.iter().zip(&answers) {
        let expected = if id.starts_with('5') { Outcome::Bypass } else { Outcome::Hit };
        assert_eq!((answer.outcome, body(answer)), (expected, Some(id.as_str())), "{id}: {answer:?}");
    }
    let stats: String = cmd("INFO").arg("commandstats").query(&mut admin).unwrap();
    assert!(stats.contains("cmdstat_evalsha:calls=0"), "hits took leases as if they had been misses: {stats}");
}

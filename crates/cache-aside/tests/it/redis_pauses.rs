//! A Redis that stands still: a moment of it is waited for, and for good it is left alone.

use std::time::{Duration, Instant};

use cache_aside::{BreakerState, Outcome};
use deadpool_redis::redis::{Client, cmd};
use futures::future::join_all;
use test_servers::RedisServer;

use crate::read_many::ids;
use crate::support::{FakeStore, engine_at, get, loads, options, redis_url};

/// The default deadline of a round trip to Redis against a pause of 150 ms, ten times as slow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_pauses_for_a_moment_costs_a_wait_and_no_load_and_one_that_hangs_for_ever_is_left_alone() {
    let (store, redis) = (FakeStore::new(), RedisServer::start());
    let ten_times = cache_aside::Options::default().redis_timeout * 10;
    let setup = options().with(|o| {
        o.redis_timeout = ten_times;
        o.breaker_pause = Duration::from_secs(3600);
    });
    let engine = engine_at(&redis_url(&redis), &store, setup);
    let ids = ids(0..200);
    for id in &ids {
        store.set(id, "value");
        get(&engine, id).await;
    }
    let asked = loads(&engine);
    let began = Instant::now();
    let pause = Duration::from_millis(1_500);
    let mut control = Client::open(redis.url()).unwrap().get_connection().unwrap();
    cmd("CLIENT").arg("PAUSE").arg(pause.as_millis() as u64).arg("ALL").exec(&mut control).unwrap();
    for answer in join_all(ids.iter().map(|id| get(&engine, id))).await {
        assert_eq!(answer.outcome, Outcome::Hit);
    }
    assert!(began.elapsed() >= pause, "it did pause");
    assert_eq!((loads(&engine), engine.stats().breaker), (asked, BreakerState::Closed));

    redis.suspend();
    for answer in join_all(ids.iter().map(|id| get(&engine, id))).await {
        assert_eq!(answer.outcome, Outcome::Bypass);
    }
    assert_eq!(engine.stats().breaker, BreakerState::Open);
    redis.resume();
}

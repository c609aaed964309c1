//! `Min-Version` holds through any process in any state, or the read fails: what clients build their own guarantees on.

use std::time::Duration;

use cache_aside::{CacheAside, CacheUrl, ReadError, ReadOptions};
use test_servers::{RedisServer, free_port};

use crate::support::{FakeStore, Setup, body, engine_at, get, options, put, redis_url, start};

/// A state in which a process may be, and what brings it there.
#[derive(Debug, Clone, Copy)]
enum State {
    Healthy,
    WithL1,
    WithoutRedis,
    CacheOff,
    RedisHangs,
    StoreLeftAlone,
    StoreBusy,
}

const STATES: [State; 7] = [
    State::Healthy,
    State::WithL1,
    State::WithoutRedis,
    State::CacheOff,
    State::RedisHangs,
    State::StoreLeftAlone,
    State::StoreBusy,
];

fn setup() -> Setup {
    options().with(|o| {
        o.redis_timeout = Duration::from_secs(1);
        o.publish_timeout = Duration::from_secs(1);
        o.store_concurrency = 1;
        o.store_queue = Duration::from_millis(20);
        o.breaker_pause = Duration::from_secs(3600);
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_names_a_version_gets_that_or_a_later_one_through_a_process_in_any_state_or_fails() {
    for state in STATES {
        let (store, redis) = (FakeStore::new(), RedisServer::start());
        let setup = setup();
        let healthy = engine_at(&redis_url(&redis), &store, setup.clone());
        let url = match state {
            State::WithoutRedis => format!("redis://127.0.0.1:{}", free_port()).parse().unwrap(),
            State::CacheOff => CacheUrl::Off,
            _ => redis_url(&redis),
        };
        let mut own = setup;
        if let State::WithL1 = state {
            own.l1 = Some(Duration::from_secs(3600));
        }
        let engine = start(crate::support::builder(&url, &store, own));
        put(&healthy, "1", "old").await;
        get(&engine, "1").await;
        // A foreign writer, or one that has not published yet: no cache knows of it.
        let version = store.set("1", "new");
        let _held = enter(state, &engine, &store, &redis).await;
        for how in [ReadOptions::at_least(version), ReadOptions::at_least(version + 1)] {
            let single = engine.read("1", how).await;
            let many = engine.read_many(&["1", "1"], how).await;
            for answer in many.into_iter().chain([single]) {
                match answer {
                    Ok(answer) => {
                        assert!(how.min_version <= version, "{state:?}: {answer:?} is below what was asked for");
                        assert_eq!(body(&answer), Some("new"), "{state:?}: {answer:?}");
                    }
                    Err(ReadError::TooOld) => assert!(how.min_version > version, "{state:?}: it is there"),
                    Err(ReadError::BreakerOpen | ReadError::Overloaded) => {
                        assert!(matches!(state, State::StoreLeftAlone | State::StoreBusy), "{state:?}");
                    }
                    Err(error) => panic!("{state:?}: {error:?}"),
                }
            }
        }
        redis.resume();
    }
}

async fn enter<'a>(
    state: State,
    engine: &CacheAside<FakeStore>,
    store: &'a FakeStore,
    redis: &RedisServer,
) -> Option<tokio::sync::SemaphorePermit<'a>> {
    match state {
        State::Healthy | State::WithL1 | State::WithoutRedis | State::CacheOff => None,
        State::RedisHangs => {
            redis.suspend();
            None
        }
        State::StoreLeftAlone => {
            store.fail(true);
            for _ in 0..5 {
                let _ = engine.read("none", ReadOptions::refetch()).await;
            }
            None
        }
        State::StoreBusy => {
            let begun = engine.stats().loads.started;
            let held = store.hold().await;
            let engine = engine.clone();
            tokio::spawn(async move { engine.read("2", ReadOptions::default()).await });
            // The write of the setup was not a load of the store.
            store.begun(begun + 1).await;
            Some(held)
        }
    }
}

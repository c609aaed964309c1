//! Clocks that are wrong: of nodes of an older release, which dated cells and moments by their own, and of a Redis that was
//! set back. None of them costs hits for longer than a moment, and none makes an old value fresh.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cache_aside::{CacheAside, Outcome, ReadOptions};
use deadpool_redis::redis::{Client, Connection, FromRedisValue, cmd};
use test_servers::RedisServer;

use crate::fake_changes::FakeChanges;
use crate::field::Named;
use crate::support::{FakeStore, Setup, body, engine_at, get, options, outcome, put, redis_url, until};

const MINUTES: u64 = 300_000;

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

struct Admin(Connection);

impl Admin {
    fn of(redis: &RedisServer) -> Self {
        Self(Client::open(redis.url()).unwrap().get_connection().unwrap())
    }

    fn run<T: FromRedisValue>(&mut self, words: &[&str]) -> T {
        cmd(words[0]).arg(&words[1..]).query(&mut self.0).unwrap()
    }

    /// The moment from which on cells are valid, and which Redis it is of.
    fn incarnation(&mut self, setup: &Setup) -> (u64, String) {
        let kept: String = self.run(&["GET", &format!("{}:incarnation", setup.prefix)]);
        let (moment, name) = kept.split_once(' ').unwrap();
        (moment.parse().unwrap(), name.to_owned())
    }

    /// As a node of an older release leaves it, whose clock shows this.
    fn plant_moment(&mut self, setup: &Setup, at_ms: u64) {
        let (_, name) = self.incarnation(setup);
        self.run::<()>(&["SET", &format!("{}:incarnation", setup.prefix), &format!("{at_ms:014} {name}")]);
    }

    /// Dates a cell as a node does whose clock is ahead by so much.
    fn date_ahead(&mut self, setup: &Setup, id: &str, ahead_ms: u64) {
        let at_ms = format!("{:014}", now_ms() + ahead_ms);
        self.run::<()>(&["SETRANGE", &format!("{}:{{{id}}}", setup.prefix), "18", &at_ms]);
    }
}

/// Whether reads are misses once and then hits, as with any cache that was just emptied. What was announced before may be heard
/// late, and is then a moment of its own: a try that it comes into does not count.
async fn is_normal(engine: &CacheAside<FakeStore>, store: &FakeStore, round: &str) {
    let mut outcomes = Vec::new();
    for number in 0..20 {
        let ids: Vec<String> = (0..50).map(|n| format!("{round} {number} {n}")).collect();
        outcomes.clear();
        for wanted in [Outcome::Miss, Outcome::Hit] {
            for id in &ids {
                store.set_at(id, "value", 1);
                outcomes.push((wanted, outcome(engine, id).await));
            }
        }
        if outcomes.iter().all(|(wanted, found)| wanted == found) {
            return;
        }
    }
    panic!("{round}: {outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_starter_whose_clock_was_minutes_ahead_leaves_no_trace_also_not_through_a_flush() {
    let (redis, store, setup) = (RedisServer::start(), FakeStore::new(), options());
    drop({
        let first = engine_at(&redis_url(&redis), &store, setup.clone());
        put(&first, "0", "zero").await;
        first
    });
    let mut admin = Admin::of(&redis);
    admin.plant_moment(&setup, now_ms() + MINUTES);
    let engines = [(); 2].map(|()| engine_at(&redis_url(&redis), &store, setup.clone()));
    is_normal(&engines[0], &store, "first").await;
    is_normal(&engines[1], &store, "second").await;
    admin.run::<()>(&["FLUSHALL"]);
    is_normal(&engines[0], &store, "after a flush").await;
    until("a process puts the moment back", || {
        let kept: bool = admin.run(&["EXISTS", &format!("{}:incarnation", setup.prefix)]);
        async move { kept }
    })
    .await;
    assert!(admin.incarnation(&setup).0 < now_ms() + MINUTES / 2, "it was corrected for all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_comes_back_from_a_moment_of_the_future_that_it_was_told() {
    let (redis, store, setup) = (RedisServer::start(), FakeStore::new(), options());
    let engine = engine_at(&redis_url(&redis), &store, setup.clone());
    put(&engine, "1", "old").await;
    let version = store.set("1", "new");
    store.set_at("1", "new", version);
    assert_eq!(body(&get(&engine, "1").await), Some("old"));
    let (mut admin, future) = (Admin::of(&redis), now_ms() + MINUTES);
    // As an older release does: it invalidates everything, announces it, and repeats it with each heartbeat.
    let control = format!("{}:control", setup.prefix);
    admin.plant_moment(&setup, future);
    until("the subscription hears", || {
        let heard: u64 = admin.run(&["PUBLISH", &control, &format!("D{future:014}")]);
        async move { heard == 1 }
    })
    .await;
    until("what was cached before is not answered", || async { body(&get(&engine, "1").await) == Some("new") }).await;
    for round in ["first", "second", "third"] {
        admin.run::<()>(&["PUBLISH", &control, &format!("B0 {future}")]);
        is_normal(&engine, &store, round).await;
    }
    until("it is corrected for all", || {
        let moment = admin.incarnation(&setup).0;
        async move { moment < now_ms() + MINUTES / 2 }
    })
    .await;
    assert!(engine.stats().validity.valid_after_ms < now_ms() + MINUTES / 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cell_from_the_future_is_as_good_as_one_of_before() {
    let (redis, store, setup) = (RedisServer::start(), FakeStore::new(), options());
    let [one, two] = [(); 2].map(|()| engine_at(&redis_url(&redis), &store, setup.clone()));
    let mut admin = Admin::of(&redis);
    for (id, ahead_ms) in [("second", 2_000), ("minute", 60_000), ("minutes", MINUTES)] {
        put(&one, id, "old").await;
        admin.date_ahead(&setup, id, ahead_ms);
        store.set(id, "new");
        let many = two.read_many(&[id], ReadOptions::default()).await;
        assert_eq!(body(many[0].as_ref().unwrap()), Some("new"), "{id}");
        assert_eq!(outcome(&one, id).await, Outcome::Hit, "{id}");
        assert_eq!(body(&get(&one, id).await), Some("new"), "{id}");
    }
    assert_eq!(outcome(&one, "absent").await, Outcome::Miss);
    assert_eq!(outcome(&two, "absent").await, Outcome::Absent);
    admin.date_ahead(&setup, "absent", 60_000);
    store.set("absent", "there");
    assert_eq!(body(&get(&two, "absent").await), Some("there"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_of_one_process_is_a_hit_of_every_other_at_once() {
    let (redis, store, setup) = (RedisServer::start(), FakeStore::new(), options());
    let engines = [(); 3].map(|()| engine_at(&redis_url(&redis), &store, setup.clone()));
    for engine in &engines {
        store.set("warm", "it knows the clock of Redis");
        get(engine, "warm").await;
    }
    for n in 0..100 {
        let id = n.to_string();
        store.set(&id, "value");
        assert_eq!(outcome(&engines[n % 3], &id).await, Outcome::Miss, "{id}");
        for engine in &engines {
            assert_eq!(outcome(engine, &id).await, Outcome::Hit, "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_valid_survives_the_loss_of_its_key() {
    let (redis, store, setup) = (RedisServer::start(), FakeStore::new(), options());
    let engine = engine_at(&redis_url(&redis), &store, setup.clone());
    put(&engine, "1", "one").await;
    let mut admin = Admin::of(&redis);
    let before = admin.incarnation(&setup);
    // As an eviction does.
    admin.run::<()>(&["DEL", &format!("{}:incarnation", setup.prefix)]);
    until("somebody puts it back", || {
        let kept: bool = admin.run(&["EXISTS", &format!("{}:incarnation", setup.prefix)]);
        async move { kept }
    })
    .await;
    assert_eq!(admin.incarnation(&setup), before);
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_of_another_store_makes_nothing_live() {
    let (redis, store, setup) = (RedisServer::start(), FakeStore::new(), options());
    // The stream never opens, so that nobody leads.
    let changes = FakeChanges::failing();
    let named = Named(store, "our store");
    let engine = CacheAside::builder(redis_url(&redis), named).prefix(&setup.prefix).options(setup.options.clone());
    let engine = engine.follow_changes(changes).start().await.unwrap();
    let control = format!("{}:control", setup.prefix);
    let mut admin = Admin::of(&redis);
    let mut send = |store: &str| admin.run::<u64>(&["PUBLISH", &control, &format!("B0 0{store}")]);
    until("the subscription hears", || {
        let heard = send(" another store");
        async move { heard == 1 }
    })
    .await;
    for _ in 0..20 {
        send(" another store");
        assert!(!engine.wait_until_live(Duration::from_millis(20)).await, "it vouches for another store");
    }
    // Older releases name none.
    for own in [" our store", ""] {
        until("its own store is live", || {
            send(own);
            let engine = engine.clone();
            async move { engine.wait_until_live(Duration::from_millis(20)).await }
        })
        .await;
        until("it is over", || {
            let engine = engine.clone();
            async move { !engine.wait_until_live(Duration::ZERO).await }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_names_its_store() {
    let (redis, setup) = (RedisServer::start(), options());
    let (ours, theirs) = (FakeStore::new(), FakeStore::new());
    let builder = |store: &FakeStore, name| {
        CacheAside::builder(redis_url(&redis), Named(store.clone(), name))
            .prefix(&setup.prefix)
            .options(setup.options.clone())
            .follow_changes(FakeChanges::new(true))
    };
    let mut admin = Admin::of(&redis);
    let first = builder(&ours, "ours").start().await.unwrap();
    assert!(first.wait_until_live(Duration::from_secs(60)).await);
    // Its lead is lost for a moment, in which another store's process starts.
    let second = loop {
        admin.run::<()>(&["SET", &format!("{}:store", setup.prefix), "theirs"]);
        admin.run::<()>(&["SET", &format!("{}:lead", setup.prefix), "nobody", "PX", "2000"]);
        if let Ok(second) = builder(&theirs, "theirs").start().await {
            until("the first has lost the lead", || async { !first.stats().change_stream.leading }).await;
            break second;
        }
    };
    until("one of them leads", || async {
        [first.stats(), second.stats()].iter().any(|stats| stats.change_stream.leading)
    })
    .await;
    let follower = if first.stats().change_stream.leading { &second } else { &first };
    until("the other is not live by its heartbeats", || async { !follower.stats().change_stream.live }).await;
    for _ in 0..20 {
        assert!(!follower.wait_until_live(Duration::from_millis(20)).await || follower.stats().change_stream.leading);
    }
}

//! Reads behind somebody who is at work: they share what that brings, or one load.

use std::time::Duration;

use bytes::Bytes;
use cache_aside::{Answer, CacheAside, Commit, Detail, Outcome, ReadOptions};
use deadpool_redis::redis::{Client, cmd};
use test_servers::{RedisServer, shared_redis};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{
    FakeStore, Over, Setup, StoreDown, body, engine, engine_at, get, loads, options, outcome, over_each_cache, put,
    redis_url, until,
};

over_each_cache! {
    behind_a_writer_who_never_publishes_five_hundred_readers_make_one_load
    a_fill_that_a_writer_overtakes_stores_nothing_and_one_that_overtakes_a_writer_does
    writers_at_work_at_one_time_all_leave_hits
    a_writer_that_is_overtaken_leaves_what_the_other_published
}

pub(crate) fn readers(engine: &CacheAside<FakeStore>, count: usize) -> Vec<JoinHandle<Answer>> {
    let reader = |engine: CacheAside<FakeStore>| tokio::spawn(async move { get(&engine, "1").await });
    (0..count).map(|_| reader(engine.clone())).collect()
}

pub(crate) async fn bodies(readers: Vec<JoinHandle<Answer>>) -> Vec<Option<String>> {
    let mut bodies = Vec::new();
    for reader in readers {
        bodies.push(body(&reader.await.unwrap()).map(str::to_owned));
    }
    bodies.dedup();
    bodies
}

/// A write that has entered the lease, and commits when it is told to.
struct Write {
    commit: oneshot::Sender<()>,
    written: JoinHandle<u64>,
}

impl Write {
    async fn begin(engine: &CacheAside<FakeStore>, text: &'static str) -> Self {
        let (commit, told) = oneshot::channel();
        let (entered, has_entered) = oneshot::channel();
        let engine = engine.clone();
        let written = tokio::spawn(async move {
            let store = engine.source().clone();
            let write = async move {
                entered.send(()).unwrap();
                told.await.unwrap();
                let version = store.set("1", text);
                Commit::<_, StoreDown>::Value { version, body: Bytes::from_static(text.as_bytes()), result: () }
            };
            engine.write("1", write).await.unwrap().version
        });
        has_entered.await.unwrap();
        Self { commit, written }
    }

    async fn finish(self) -> u64 {
        self.commit.send(()).unwrap();
        self.written.await.unwrap()
    }
}

pub(crate) fn waits(engine: &CacheAside<FakeStore>) -> u64 {
    engine.stats().reads.single_flight_waits
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_readers_over_two_processes_make_one_load_though_it_takes_a_second() {
    let store = FakeStore::new();
    store.set("1", "one");
    let shared = options();
    let (here, there) = (engine(Over::Redis, &store, shared.clone()), engine(Over::Redis, &store, shared));
    let held = store.hold().await;
    let (some, others) = (readers(&here, 250), readers(&there, 250));
    until("all wait", || async { waits(&here) == 249 && waits(&there) == 249 }).await;
    until("one of them waits for the lease", || async {
        here.stats().reads.lease_waits + there.stats().reads.lease_waits == 1
    })
    .await;
    // The store takes a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(held);
    assert_eq!(bodies(some).await, [Some("one".to_owned())]);
    assert_eq!(bodies(others).await, [Some("one".to_owned())]);
    assert_eq!(loads(&here) + loads(&there), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_woken_by_an_announcement_of_the_one_who_filled() {
    let (store, redis, options) = (FakeStore::new(), RedisServer::start(), options());
    store.set("1", "one");
    let (here, there) = (
        engine_at(&redis_url(&redis), &store, options.clone()),
        engine_at(&redis_url(&redis), &store, options.clone()),
    );
    let client = Client::open(redis.url()).unwrap();
    let mut announced = client.get_async_pubsub().await.unwrap();
    announced.subscribe(format!("{}:control", options.prefix)).await.unwrap();
    let held = store.hold().await;
    let first = readers(&here, 1);
    store.begun(1).await;
    let second = readers(&there, 1);
    until("it waits for the lease", || async { there.stats().leases.held >= 2 }).await;
    drop(held);
    let message = futures::StreamExt::next(&mut announced.on_message()).await.unwrap();
    assert_eq!(message.get_payload_bytes(), b"W1");
    bodies(first).await;
    assert_eq!(second.into_iter().next().unwrap().await.unwrap().outcome, Outcome::Hit);
    // Nobody waits for this one: nothing is announced.
    store.set("2", "two");
    get(&here, "2").await;
    let mut connection = client.get_connection().unwrap();
    cmd("PUBLISH").arg(format!("{}:control", options.prefix)).arg("the end").exec(&mut connection).unwrap();
    let message = futures::StreamExt::next(&mut announced.on_message()).await.unwrap();
    assert_eq!(message.get_payload_bytes(), b"the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_whose_process_is_gone_is_made_up_for_when_its_lease_ends() {
    let store = FakeStore::new();
    store.set("1", "one");
    let options = options();
    let engine = engine(Over::Redis, &store, options.clone());
    let mut redis = Client::open(shared_redis().url()).unwrap().get_connection().unwrap();
    let now: (u64, u64) = cmd("TIME").query(&mut redis).unwrap();
    let lease = format!("0{}{:016}0F{:013}", "a".repeat(16), 0, now.0 * 1_000 + now.1 / 1_000 + 700);
    cmd("SET").arg(format!("{}:{{1}}:lease", options.prefix)).arg(lease).arg("PX").arg(700).exec(&mut redis).unwrap();
    let answer = get(&engine, "1").await;
    assert_eq!((answer.detail, body(&answer)), (Some(Detail::Stored), Some("one")), "it waited for the lease");
    assert!(engine.stats().reads.lease_waits == 1, "{:?}", engine.stats());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_waits_for_another_process_only_as_long_as_it_may() {
    let store = FakeStore::new();
    store.set("1", "one");
    let shared = options().with(|o| o.lease_wait = Some(Duration::from_millis(30)));
    let (here, there) = (engine(Over::Redis, &store, shared.clone()), engine(Over::Redis, &store, shared));
    let held = store.hold().await;
    let first = readers(&here, 1);
    store.begun(1).await;
    let second = readers(&there, 20);
    store.begun(2).await;
    until("all wait", || async { waits(&there) == 19 }).await;
    drop(held);
    bodies(first).await;
    bodies(second).await;
    assert_eq!(loads(&here), 1);
    assert!((1..=2).contains(&loads(&there)), "they share a load: {}", loads(&there));
}

async fn behind_a_writer_who_never_publishes_five_hundred_readers_make_one_load(over: Over) {
    let store = FakeStore::new();
    store.set("1", "old");
    let engine = engine(over, &store, options());
    let write = Write::begin(&engine, "new").await;
    let held = store.hold().await;
    let readers = readers(&engine, 500);
    until("all wait", || async { waits(&engine) == 499 }).await;
    drop(held);
    assert_eq!(bodies(readers).await, [Some("old".to_owned())], "it is not committed");
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit, "nor does it keep anybody from filling");
    assert_eq!(loads(&engine), 1);
    write.finish().await;
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, body(&answer)), (Outcome::Hit, Some("new")));
}

async fn a_fill_that_a_writer_overtakes_stores_nothing_and_one_that_overtakes_a_writer_does(over: Over) {
    let store = FakeStore::new();
    store.set("1", "old");
    let engine = engine(over, &store, options());
    let held = store.hold().await;
    let slow = readers(&engine, 1);
    store.begun(1).await;
    let (before, after) = (Write::begin(&engine, "new").await, Write::begin(&engine, "newer").await);
    before.finish().await;
    drop(held);
    assert_eq!(bodies(slow).await, [Some("old".to_owned())], "it began before the write");
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, body(&answer)), (Outcome::Hit, Some("new")));
    let fresh = engine.read("1", ReadOptions::refetch()).await.unwrap();
    assert_eq!((fresh.detail, body(&fresh)), (Some(Detail::Stored), Some("new")), "another write is under way");
    after.finish().await;
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, body(&answer)), (Outcome::Hit, Some("newer")));
}

async fn writers_at_work_at_one_time_all_leave_hits(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let mut writes = Vec::new();
    for text in ["one", "two", "three", "four"] {
        writes.push((text, Write::begin(&engine, text).await));
    }
    for (text, write) in writes {
        write.finish().await;
        let answer = get(&engine, "1").await;
        assert_eq!((answer.outcome, body(&answer)), (Outcome::Hit, Some(text)), "those at work do not take it away");
    }
    assert_eq!(loads(&engine), 0);
    let eight: Vec<_> = futures::future::join_all((0..8).map(|_| put(&engine, "1", "text"))).await;
    let last = eight.iter().map(|written| written.version).max().unwrap();
    let answer = engine.read("1", ReadOptions::default()).await.unwrap();
    assert_eq!((answer.outcome, answer.entry.unwrap().version), (Outcome::Hit, last));
}

async fn a_writer_that_is_overtaken_leaves_what_the_other_published(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let (commit, told) = oneshot::channel::<()>();
    let (committed, has_committed) = oneshot::channel();
    let slow = tokio::spawn({
        let engine = engine.clone();
        async move {
            let store = engine.source().clone();
            let write = async move {
                let version = store.set("1", "first");
                committed.send(()).unwrap();
                told.await.unwrap();
                Commit::<_, StoreDown>::Value { version, body: Bytes::from_static(b"first"), result: () }
            };
            engine.write("1", write).await.unwrap();
        }
    });
    has_committed.await.unwrap();
    put(&engine, "1", "second").await;
    commit.send(()).unwrap();
    slow.await.unwrap();
    let answer = get(&engine, "1").await;
    assert_eq!((answer.outcome, body(&answer)), (Outcome::Hit, Some("second")));
    assert_eq!(loads(&engine), 0);
}

/// Subscriptions are not allowed, or cannot be had: nobody is woken, and they look by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_right_to_announce_who_waits_looks_by_itself() {
    let (store, redis, options) = (FakeStore::new(), RedisServer::start(), options());
    store.set("1", "one");
    let mut admin = Client::open(redis.url()).unwrap().get_connection().unwrap();
    let rule = ["on", "~*", "resetchannels", "+@all", ">secret"];
    cmd("ACL").arg("SETUSER").arg("mute").arg(&rule).exec(&mut admin).unwrap();
    let url: cache_aside::CacheUrl = format!("redis://mute:secret@127.0.0.1:{}/", redis.port()).parse().unwrap();
    let at = |setup: Setup| engine_at(&url, &store, setup);
    let (here, there) = (at(options.clone()), at(options));
    let held = store.hold().await;
    let first = readers(&here, 1);
    store.begun(1).await;
    let second = readers(&there, 1);
    until("it waits for the lease", || async { there.stats().reads.lease_waits == 1 }).await;
    drop(held);
    bodies(first).await;
    assert_eq!(bodies(second).await, [Some("one".to_owned())]);
    assert_eq!(loads(&here) + loads(&there), 1);
}

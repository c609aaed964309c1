//! An empty cache is filled with the ids that are read most, before anybody asks for them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cache_aside::events::EventKind;
use cache_aside::{CacheAside, HotIdStore, Outcome, StartError, Warming};
use deadpool_redis::redis::{Client, cmd};
use test_servers::RedisServer;

use crate::support::{FakeStore, Over, StoreDown, builder, get, loads, options, outcome, redis_url, start, until, url};

/// Reads of an id after which it is surely hot.
const HOT: usize = 20;

fn warming(ids: usize, rate: u32) -> Warming {
    let mut warming = Warming::default();
    (warming.ids, warming.rate) = (ids, rate);
    warming
}

async fn read_often(engine: &CacheAside<FakeStore>, ids: &[String]) {
    for id in ids {
        for _ in 0..HOT {
            get(engine, id).await;
        }
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("hot {at}")).collect()
}

fn fill(store: &FakeStore, ids: &[String], text: &str) {
    for id in ids {
        store.set(id, text);
    }
}

fn flush(redis: &RedisServer) {
    cmd("FLUSHALL").exec(&mut Client::open(redis.url()).unwrap().get_connection().unwrap()).unwrap();
}

/// Where ids are kept in a test: with whatever fails.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(Vec<String>, bool)>>);

impl Kept {
    fn of(ids: &[String]) -> Self {
        Self(Arc::new(Mutex::new((ids.to_vec(), false))))
    }

    fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().0.clone()
    }

    fn fail(&self, failing: bool) {
        self.0.lock().unwrap().1 = failing;
    }
}

impl HotIdStore for Kept {
    type Error = StoreDown;

    async fn load(&self) -> Result<Vec<String>, StoreDown> {
        let kept = self.0.lock().unwrap();
        if kept.1 { Err(StoreDown) } else { Ok(kept.0.clone()) }
    }

    async fn save(&self, ids: &[String]) -> Result<(), StoreDown> {
        let mut kept = self.0.lock().unwrap();
        if kept.1 {
            return Err(StoreDown);
        }
        kept.0 = ids.to_vec();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_most_is_loaded_again_when_redis_is_empty_once_for_all_processes() {
    let (store, redis, setup) = (FakeStore::new(), RedisServer::start(), options());
    let hot = names(20);
    fill(&store, &hot, "value");
    store.set("cold", "value");
    let process = || start(builder(&redis_url(&redis), &store, setup.clone()).warm(warming(100, 10_000)));
    let processes = [process(), process()];
    for engine in &processes {
        read_often(engine, &hot).await;
        get(engine, "cold").await;
    }
    let loaded = |which: fn(&CacheAside<FakeStore>) -> u64| processes.iter().map(which).sum::<u64>();
    let before = loaded(loads);
    flush(&redis);
    until("they are loaded", || async { loaded(|engine| engine.stats().warming.loaded) == 20 }).await;
    until("it is over", || async { processes.iter().all(|engine| !engine.stats().warming.running) }).await;
    assert_eq!(loaded(loads) - before, 20, "each is loaded once, by whichever process");
    for id in &hot {
        assert_eq!(outcome(&processes[0], id).await, Outcome::Hit, "{id}");
    }
    assert_eq!(outcome(&processes[0], "cold").await, Outcome::Miss, "what was read once is not hot");
    // A connection that is new then does not know that there was anything: to the others it announces that nothing is valid any more.
    let is_loss = |kind: EventKind| matches!(kind, EventKind::CacheEmptied | EventKind::InvalidatedByAnother);
    let noted = |is: &dyn Fn(EventKind) -> bool| {
        processes.iter().any(|engine| engine.events().iter().any(|event| is(event.kind)))
    };
    until("the loss is noticed", || async { noted(&is_loss) }).await;
    for kind in [EventKind::WarmingBegan, EventKind::WarmingEnded] {
        assert!(noted(&|noted| noted == kind), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_comes_while_the_cache_is_warmed_is_what_is_answered() {
    let (store, redis) = (FakeStore::new(), RedisServer::start());
    let hot = names(5);
    fill(&store, &hot, "old");
    let engine = start(builder(&redis_url(&redis), &store, options()).warm(warming(100, 10_000)));
    read_often(&engine, &hot).await;
    let before = loads(&engine);
    let held = store.hold().await;
    flush(&redis);
    until("the warmer has asked the store", || async { loads(&engine) >= before + 5 }).await;
    crate::support::put(&engine, &hot[0], "new").await;
    drop(held);
    until("it has ended", || async { !engine.stats().warming.running }).await;
    let answer = get(&engine, &hot[0]).await;
    assert_eq!((answer.outcome, crate::support::body(&answer)), (Outcome::Hit, Some("new")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_over_an_empty_cache_loads_what_was_kept_and_waits_for_a_store_that_fails() {
    for over in [Over::Redis, Over::Memory] {
        let (store, hot) = (FakeStore::new(), names(30));
        fill(&store, &hot[1..], "value");
        let kept = Kept::of(&hot);
        kept.fail(true);
        store.fail(true);
        let engine = start(builder(&url(over), &store, options()).warm_from(warming(1_000, 10_000), kept.clone()));
        kept.fail(false);
        until("it is at it", || async { engine.stats().warming.running }).await;
        assert_eq!(engine.stats().warming.done, 0);
        store.fail(false);
        until("it is done", || async {
            let warming = engine.stats().warming;
            !warming.running && warming.done == 30
        })
        .await;
        assert_eq!(engine.stats().warming.loaded, 30);
        assert_eq!(outcome(&engine, &hot[0]).await, Outcome::Absent, "{over:?}: it was deleted meanwhile");
        assert_eq!(outcome(&engine, &hot[29]).await, Outcome::Hit, "{over:?}");
        assert_eq!(engine.stats().reads.misses, 0, "{over:?}: what the warmer reads nobody has asked for");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_loaded_at_the_rate_that_was_set_and_kept_the_hottest_first() {
    let (store, hot) = (FakeStore::new(), names(40));
    fill(&store, &hot, "value");
    let kept = Kept::of(&hot);
    let began = Instant::now();
    let engine = start(builder(&url(Over::Memory), &store, options()).warm_from(warming(40, 40), kept.clone()));
    until("it is done", || async { engine.stats().warming.done == 40 }).await;
    // Five batches of eight, each a fifth of a second after the one before.
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(800), "{took:?}");

    for _ in 0..2 {
        read_often(&engine, &hot[7..8]).await;
    }
    read_often(&engine, &hot[30..31]).await;
    until("they are kept", || async { kept.ids()[..2] == [hot[7].clone(), hot[30].clone()] }).await;
    assert_eq!(kept.ids().len(), 40, "those that were known before come behind");
}

#[tokio::test]
async fn a_warmer_that_cannot_work_is_refused() {
    let store = FakeStore::new();
    for (over, ids, rate) in [("memory:", 0, 1), ("memory:", 1, 0), ("none:", 1, 1)] {
        let started = CacheAside::builder(over, store.clone()).warm(warming(ids, rate)).start().await;
        assert!(matches!(started, Err(StartError::Unsupported(why)) if why.contains(".warm(")), "{over} {ids} {rate}");
    }
}

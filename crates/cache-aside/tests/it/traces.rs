//! Which steps of a read or a write a caller's own span is told of.

use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_aside::ReadOptions;
use cache_aside::trace::{Span, Step, traced};

use crate::support::{FakeStore, Over, engine, get, options, put, until};

/// Remembers steps by what they are in.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

struct Recorded {
    path: String,
    seen: Recorder,
}

impl Recorder {
    fn span(&self) -> Option<Arc<dyn Span>> {
        Some(Arc::new(Recorded { path: String::new(), seen: self.clone() }))
    }

    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    fn steps(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn has(&self, text: &str) -> bool {
        self.steps().iter().any(|step| step == text)
    }
}

impl Span for Recorded {
    fn begin(&self, step: Step) -> Arc<dyn Span> {
        let path = format!("{}/{step:?}", self.path);
        self.seen.note(path.clone());
        Arc::new(Recorded { path, seen: self.seen.clone() })
    }

    fn result(&self, word: &'static str) {
        self.seen.note(format!("{} = {word}", self.path));
    }

    fn fail(&self, why: &dyn Display) {
        self.seen.note(format!("{} failed: {why}", self.path));
    }
}

#[tokio::test]
async fn a_read_that_is_not_traced_tells_nobody_even_beside_one_that_is() {
    let (store, seen) = (FakeStore::new(), Recorder::default());
    let engine = engine(Over::Memory, &store, options());
    store.set("1", "one");
    traced(seen.span(), engine.read("1", ReadOptions::default())).await.unwrap();
    let before = seen.steps();
    assert_eq!(before.first().map(String::as_str), Some("/CacheRead { ids: 1 }"));
    assert!(seen.has("/Load { ids: 1 }/Query { ids: 1 }") && seen.has("/CachePut = stored"), "{before:?}");
    get(&engine, "2").await;
    traced(None, engine.read("3", ReadOptions::default())).await.unwrap();
    put(&engine, "4", "four").await;
    assert_eq!(seen.steps(), before);
}

#[tokio::test]
async fn who_waits_for_another_request_or_another_process_is_seen_to_wait() {
    let store = FakeStore::new();
    let setup = options();
    let (ours, theirs) = (engine(Over::Redis, &store, setup.clone()), engine(Over::Redis, &store, setup));
    store.set("1", "one");
    let held = store.hold().await;
    let leader = tokio::spawn({
        let theirs = theirs.clone();
        async move { get(&theirs, "1").await }
    });
    store.begun(1).await;
    let (beside, elsewhere) = (Recorder::default(), Recorder::default());
    let waits = |engine: &cache_aside::CacheAside<FakeStore>, seen: &Recorder| {
        let (engine, span) = (engine.clone(), seen.span());
        tokio::spawn(async move { traced(span, engine.read("1", ReadOptions::default())).await.unwrap() })
    };
    let both = [waits(&theirs, &beside), waits(&ours, &elsewhere)];
    until("both wait", || async { beside.has("/FlightWait") && elsewhere.has("/LeaseWait") }).await;
    drop(held);
    leader.await.unwrap();
    for waiter in both {
        waiter.await.unwrap();
    }
    assert!(beside.has("/FlightWait = shared"), "{:?}", beside.steps());
    assert!(elsewhere.has("/Lease = held") && elsewhere.has("/LeaseWait = answered"), "{:?}", elsewhere.steps());
    assert!(elsewhere.steps().iter().all(|step| !step.contains("Load")), "{:?}", elsewhere.steps());
}

#[tokio::test]
async fn a_refresh_behind_an_answer_belongs_to_the_read_that_began_it() {
    let (store, seen) = (FakeStore::new(), Recorder::default());
    let setup = options().with(|options| {
        options.fresh = Duration::from_millis(1);
        options.fresh_live = Duration::from_millis(1);
    });
    let engine = engine(Over::Memory, &store, setup);
    store.set("1", "one");
    get(&engine, "1").await;
    until("a refresh was seen", || async {
        traced(seen.span(), engine.read("1", ReadOptions::default())).await.unwrap();
        seen.has("/Refresh/CachePut = stored")
    })
    .await;
    assert!(seen.has("/CacheRead { ids: 1 } = stale"), "{:?}", seen.steps());
}

#[tokio::test]
async fn a_store_that_fails_says_so_in_the_step() {
    let (store, seen) = (FakeStore::new(), Recorder::default());
    let engine = engine(Over::Memory, &store, options());
    store.fail(true);
    traced(seen.span(), engine.read("1", ReadOptions::default())).await.unwrap_err();
    let failed = seen.steps().into_iter().find(|step| step.starts_with("/Load { ids: 1 }/Query { ids: 1 } failed: "));
    assert!(failed.is_some_and(|step| step.contains("the store is down")), "{:?}", seen.steps());
}

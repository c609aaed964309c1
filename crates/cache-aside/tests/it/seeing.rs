//! What can be seen of a cache from outside: what it holds of one id, what happened to it as a whole, what its processes say.

use cache_aside::cell::Kind;
use cache_aside::events::EventKind;
use cache_aside::inspect::Answers;
use cache_aside::rules::Holder;
use cache_aside::{BreakerState, CacheAside, Commit, Outcome, WritePolicy};
use futures::FutureExt;
use test_servers::RedisServer;
use tokio::sync::oneshot;

use crate::support::{
    FakeStore, Over, StoreDown, delete, engine, engine_at, get, options, outcome, over_each_cache, put, redis_url,
    until,
};

over_each_cache! {
    a_cell_and_who_is_at_work_on_it_are_shown_and_not_changed
    what_is_invalidated_is_gone_and_who_was_filling_it_stores_nothing
    a_floor_is_no_answer
}

fn holders(found: &cache_aside::inspect::Inspection) -> Vec<Holder> {
    found.lease.iter().map(|entry| entry.by).collect()
}

async fn a_cell_and_who_is_at_work_on_it_are_shown_and_not_changed(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    let version = store.set("1", "one");
    let held = store.hold().await;
    let reader = tokio::spawn({
        let engine = engine.clone();
        async move { get(&engine, "1").await }
    });
    store.begun(1).await;
    let (commits, commit) = oneshot::channel::<()>();
    let writer = tokio::spawn({
        let engine = engine.clone();
        async move {
            let commit = commit.map(|_| Commit::<(), StoreDown>::Nothing(StoreDown));
            engine.write("1", commit).await
        }
    });
    until("both are at work", || async { engine.inspect("1").await.unwrap().lease.len() == 2 }).await;
    let found = engine.inspect("1").await.unwrap();
    assert_eq!(holders(&found), [Holder::Filler, Holder::Writer]);
    assert!(found.lease.iter().all(|entry| !entry.ends_in.is_zero()) && found.cell.is_none());
    commits.send(()).unwrap();
    assert!(writer.await.unwrap().is_err(), "nothing was written");
    drop(held);
    reader.await.unwrap();

    let before = engine.stats();
    let found = engine.inspect("1").await.unwrap();
    assert!(found.lease.is_empty() && !found.in_l1 && !found.is_pending, "{found:?}");
    let cell = found.cell.unwrap();
    assert_eq!((cell.kind, cell.version, cell.bytes, cell.answers), (Kind::Value, version, 3, Answers::Fresh));
    assert!(cell.ttl_ms.unwrap() > 0);
    assert_eq!((engine.stats().reads, engine.stats().loads.started), (before.reads, before.loads.started));
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
}

async fn what_is_invalidated_is_gone_and_who_was_filling_it_stores_nothing(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options());
    put(&engine, "1", "one").await;
    assert!(engine.invalidate("1").await);
    assert_eq!(engine.inspect("1").await.unwrap().cell, None);

    let held = store.hold().await;
    let reader = tokio::spawn({
        let engine = engine.clone();
        async move { get(&engine, "1").await }
    });
    store.begun(1).await;
    assert!(engine.invalidate("1").await);
    drop(held);
    assert_eq!(reader.await.unwrap().outcome, Outcome::Miss);
    let cell = engine.inspect("1").await.unwrap().cell;
    assert!(cell.is_none_or(|cell| cell.kind != Kind::Value), "what was loaded before was stored after");
    assert_eq!(outcome(&engine, "1").await, Outcome::Miss);
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
}

async fn a_floor_is_no_answer(over: Over) {
    let store = FakeStore::new();
    let engine = engine(over, &store, options().with(|options| options.write_policy = WritePolicy::Invalidate));
    let written = put(&engine, "1", "one").await;
    let cell = engine.inspect("1").await.unwrap().cell;
    if let Some(cell) = cell {
        assert_eq!((cell.kind, cell.answers, cell.ttl_ms), (Kind::Tombstone, Answers::No, None));
        assert!(cell.version <= written.version);
    }
    delete(&engine, "1").await;
    get(&engine, "1").await;
    let absence = engine.inspect("1").await.unwrap().cell.unwrap();
    assert_eq!((absence.kind, absence.answers, absence.bytes), (Kind::Absent, Answers::Fresh, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_hear_what_those_of_their_cache_say_and_nothing_of_others() {
    let (store, setup) = (FakeStore::new(), options());
    let [first, second] = [(); 2].map(|()| engine(Over::Redis, &store, setup.clone()));
    let other = engine(Over::Redis, &store, options());
    let mut texts = [&first, &second, &other].map(|engine| engine.peer_texts().unwrap());
    // Who has subscribed hears all that comes after.
    until("both hear", async || {
        assert!(first.tell_peers("are you there").await);
        let mut heard = texts[..2].iter_mut().map(|texts| texts.next().now_or_never().is_some());
        heard.next() == Some(true) && heard.next() == Some(true)
    })
    .await;
    assert!(second.tell_peers("{\"of\": \"second\"}").await);
    for texts in &mut texts[..2] {
        let mut text = texts.next().await.unwrap();
        while &*text == "are you there" {
            text = texts.next().await.unwrap();
        }
        assert_eq!(&*text, "{\"of\": \"second\"}");
    }
    assert!(texts[2].next().now_or_never().is_none());
    let alone = engine(Over::Memory, &store, options());
    assert!(!alone.tell_peers("anybody").await && alone.peer_texts().is_none());
}

fn kinds(engine: &CacheAside<FakeStore>) -> Vec<EventKind> {
    engine.events().iter().map(|event| event.kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_the_whole_cache_is_told_with_its_cause() {
    let mut redis = RedisServer::start();
    let store = FakeStore::new();
    let engine = engine_at(&redis_url(&redis), &store, options());
    store.set("1", "one");
    assert_eq!(outcome(&engine, "1").await, Outcome::Miss);
    redis.stop();
    until("the breaker opens", || async {
        get(&engine, "1").await;
        engine.stats().breaker != BreakerState::Closed
    })
    .await;
    let opened = engine.events().into_iter().find(|event| event.kind == EventKind::CacheBreakerOpened).unwrap();
    assert!(!opened.cause.is_empty(), "{opened:?}");
    assert_eq!(engine.inspect("1").await, None, "nobody knows what it holds");
    assert!(!engine.invalidate("1").await);
    redis.restart();
    until("it is used again", || async { outcome(&engine, "1").await == Outcome::Hit }).await;
    let kinds = kinds(&engine);
    for kind in [EventKind::CacheReplaced, EventKind::CacheBreakerClosed] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let numbers: Vec<u64> = engine.events().iter().map(|event| event.number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

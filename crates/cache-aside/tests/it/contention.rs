//! Reads of an id that writers of policy `invalidate` write again and again: every fill is overtaken.

use cache_aside::{CacheAside, Detail, Outcome, WritePolicy};

use crate::support::{FakeStore, Over, engine, get, loads, options, outcome, over_each_cache, put, until};
use crate::waiting::{bodies, readers, waits};

over_each_cache! {
    where_writers_overtake_the_fills_readers_do_not_queue_behind_each_other
    one_load_is_for_all_again_once_a_fill_was_stored
}

/// A fill that a write of policy `invalidate` overtakes: it stores nothing.
async fn overtaken_fill(engine: &CacheAside<FakeStore>, begun: u64) {
    let store = engine.source();
    let held = store.hold().await;
    let reader = readers(engine, 1);
    store.begun(begun).await;
    put(engine, "1", "newer").await;
    drop(held);
    bodies(reader).await;
}

/// A read in each of two handles, the second while the first loads: it begins a load, too.
async fn each_loads(first: &CacheAside<FakeStore>, second: &CacheAside<FakeStore>) {
    let store = first.source();
    let held = store.hold().await;
    let one = readers(first, 1);
    store.begun(2).await;
    let another = readers(second, 1);
    store.begun(3).await;
    drop(held);
    for reader in [one, another] {
        assert_eq!(bodies(reader).await, [Some("newer".to_owned())]);
    }
}

async fn where_writers_overtake_the_fills_readers_do_not_queue_behind_each_other(over: Over) {
    let store = FakeStore::new();
    store.set("1", "old");
    let engine = engine(over, &store, options().with(|o| o.write_policy = WritePolicy::Invalidate));
    overtaken_fill(&engine, 1).await;
    // What the first brings could not be shared by who comes now, if it is overtaken as well: a load of their own begins.
    each_loads(&engine, &engine).await;
    assert_eq!((outcome(&engine, "1").await, loads(&engine)), (Outcome::Hit, 3), "the first had the lease");
}

async fn one_load_is_for_all_again_once_a_fill_was_stored(over: Over) {
    let store = FakeStore::new();
    store.set("1", "old");
    let engine = engine(over, &store, options().with(|o| o.write_policy = WritePolicy::Invalidate));
    overtaken_fill(&engine, 1).await;
    assert_eq!(get(&engine, "1").await.detail, Some(Detail::Stored));
    put(&engine, "1", "newest").await;
    let held = store.hold().await;
    let first = readers(&engine, 1);
    store.begun(3).await;
    let others = readers(&engine, 500);
    until("all wait", || async { waits(&engine) == 500 }).await;
    drop(held);
    assert_eq!(bodies(first).await, [Some("newest".to_owned())]);
    assert_eq!(bodies(others).await, [Some("newest".to_owned())]);
    assert_eq!(loads(&engine), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_writers_overtake_the_fills_nobody_waits_behind_the_lease_of_another_process() {
    let store = FakeStore::new();
    store.set("1", "old");
    let shared = options().with(|o| o.write_policy = WritePolicy::Invalidate);
    let (here, there) = (engine(Over::Redis, &store, shared.clone()), engine(Over::Redis, &store, shared));
    overtaken_fill(&there, 1).await;
    each_loads(&here, &there).await;
}

//! The auditor counts what stays wrong, and nothing else.

use std::time::{Duration, Instant};

use crate::support::{FakeStore, Over, builder, get, options, over_each_cache, put, start, until, url};

over_each_cache! {
    a_cell_that_stays_wrong_is_counted_and_right_ones_are_not
}

async fn a_cell_that_stays_wrong_is_counted_and_right_ones_are_not(over: Over) {
    let store = FakeStore::new();
    let engine = start(builder(&url(over), &store, options()).audit(200));
    for id in ["1", "2", "a}b"] {
        put(&engine, id, "right").await;
    }
    get(&engine, "nobody").await;
    until("every cell was compared several times", || async { engine.stats().audit.compared > 20 }).await;
    assert_eq!(engine.stats().audit.wrong_1s, 0);
    let since = Instant::now();
    // Nobody tells the cache, and the version does not rise.
    store.set_at("a}b", "new", 1);
    store.set("nobody", "somebody");
    until("both were wrong for a second", || async { engine.stats().audit.wrong_1s >= 2 }).await;
    let audit = engine.stats().audit;
    assert!(audit.wrong_10s == 0 || since.elapsed() >= Duration::from_secs(10));
    // The walk goes over the four cells again and again: each counts once a minute.
    until("each was compared ten times more", || async { engine.stats().audit.compared > audit.compared + 40 }).await;
    let (counted, minutes) = (engine.stats().audit.wrong_1s, since.elapsed().as_secs() / 60);
    assert!(counted <= 2 * (1 + minutes), "{counted} in {:?}", since.elapsed());
}

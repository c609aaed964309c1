//! One process leads: it follows the store's changes for all. Another takes over where it cannot.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cache_aside::{Change, Outcome};
use deadpool_redis::redis::{Client, cmd};
use test_servers::RedisServer;

use crate::fake_changes::{FakeChanges, written};
use crate::support::{FakeStore, Over, body, builder, get, options, outcome, redis_url, start, until, url};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_follows_and_another_takes_over_when_it_ends() {
    let (store, shared) = (FakeStore::new(), options());
    let (first, second) = (FakeChanges::new(true), FakeChanges::new(true));
    let one = start(builder(&url(Over::Redis), &store, shared.clone()).follow_changes(first.clone()));
    assert!(one.wait_until_live(Duration::from_secs(60)).await);
    let two = start(builder(&url(Over::Redis), &store, shared).follow_changes(second.clone()));
    assert!(two.wait_until_live(Duration::from_secs(60)).await, "it hears the first");
    let opened = || (first.opened.load(Ordering::SeqCst), second.opened.load(Ordering::SeqCst));
    assert_eq!(opened(), (1, 0));
    assert!(one.stats().change_stream.leading && !two.stats().change_stream.leading);
    drop(one);
    until("the second has taken over", || async { opened() == (1, 1) }).await;
    store.set("1", "old");
    get(&two, "1").await;
    let version = store.set("1", "new");
    second.tell(written("1", version));
    until("the new value is answered", || async { body(&get(&two, "1").await) == Some("new") }).await;
}

/// As over a connection to the store that died and nobody was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_hears_nothing_or_does_not_catch_up_gives_the_lead_to_another() {
    for behind in [false, true] {
        let store = FakeStore::new();
        let shared = options().with(|o| o.max_lag = Duration::from_millis(300));
        let lag = if behind { Duration::from_secs(60) } else { Duration::ZERO };
        let (first, second) = (FakeChanges::behind(lag), FakeChanges::new(true));
        let one = start(builder(&url(Over::Redis), &store, shared.clone()).follow_changes(first.clone()));
        assert!(one.wait_until_live(Duration::from_secs(60)).await);
        let two = start(builder(&url(Over::Redis), &store, shared).follow_changes(second.clone()));
        store.set("1", "old");
        get(&two, "1").await;
        first.silent.store(!behind, Ordering::SeqCst);
        let took_over = async || {
            if behind {
                let _ = first.tell.send(written("other", 1));
            }
            two.stats().change_stream.leading
        };
        until("the second leads", took_over).await;
        let version = store.set("1", "new");
        until("somebody listens", || async { second.tell.send(written("1", version)).is_ok() }).await;
        until("the new value is answered", || async { body(&get(&two, "1").await) == Some("new") }).await;
        assert!(!one.stats().change_stream.leading, "behind: {behind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_memory_full_what_others_write_is_answered_within_a_moment_all_the_same() {
    let (redis, store) = (RedisServer::start(), FakeStore::new());
    let mut admin = Client::open(redis.url()).unwrap().get_connection().unwrap();
    let mut config = |name: &str, value: &str| {
        cmd("CONFIG").arg("SET").arg(name).arg(value).exec(&mut admin).unwrap();
    };
    let (shared, changes) = (options(), FakeChanges::new(true));
    let first = start(builder(&redis_url(&redis), &store, shared.clone()).follow_changes(changes.clone()));
    assert!(first.wait_until_live(Duration::from_secs(60)).await);
    for id in ["1", "2", "3", "4"] {
        store.set(id, "old");
        get(&first, id).await;
        assert_eq!(outcome(&first, id).await, Outcome::Hit);
    }
    config("maxmemory-policy", "noeviction");
    config("maxmemory", "1");
    tokio::time::sleep(shared.options.lead).await;
    // One that led before goes on, and one that comes takes over.
    let version = store.set("1", "new");
    changes.tell(written("1", version));
    until("the new value is answered", || async { body(&get(&first, "1").await) == Some("new") }).await;
    drop(first);
    let second = start(builder(&redis_url(&redis), &store, shared).follow_changes(changes.clone()));
    assert!(second.wait_until_live(Duration::from_secs(60)).await, "somebody leads");
    until("the second leads", || async { second.stats().change_stream.leading }).await;
    for (id, change) in [("2", Change::Deleted { id: "2".to_owned() }), ("3", Change::Touched { id: "3".to_owned() })] {
        assert_eq!(outcome(&second, id).await, Outcome::Hit, "reads go on");
        store.set(id, "new");
        changes.tell(change);
        until("the new value is answered", || async { body(&get(&second, id).await) == Some("new") }).await;
    }
    assert_eq!(outcome(&second, "4").await, Outcome::Hit);
    store.set("4", "new");
    changes.tell(Change::Unknown);
    until("the new value is answered", || async { body(&get(&second, "4").await) == Some("new") }).await;
    assert!(second.stats().change_stream.leading, "and it goes on");
}

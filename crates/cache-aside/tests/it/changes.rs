//! What is written past the engine reaches the cache by the store's change stream.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cache_aside::{Change, Outcome};
use deadpool_redis::redis::{Client, cmd};
use test_servers::RedisServer;

use crate::fake_changes::{FakeChanges, following, written};
use crate::support::{
    FakeStore, Over, body, builder, get, loads, options, outcome, over_each_cache, redis_url, start, until, url,
};

over_each_cache! {
    a_foreign_write_is_answered_within_a_moment
    a_write_without_a_version_is_answered_within_a_moment
    a_foreign_delete_is_answered_within_a_moment
    after_an_unknown_change_nothing_of_before_is_served
    after_an_unknown_change_versions_begin_anew
    a_stream_that_missed_changes_takes_back_what_was_cached
    own_writes_stay_hits_when_the_stream_tells_of_them
    a_stream_without_a_pause_is_live_while_it_keeps_up
    while_nobody_follows_values_are_fresh_for_a_shorter_time
    while_somebody_follows_values_are_fresh_for_a_longer_time_and_are_refreshed_behind_answers_when_nobody_does_any_more
}

async fn a_foreign_write_is_answered_within_a_moment(over: Over) {
    let (store, changes) = (FakeStore::new(), FakeChanges::new(true));
    let engine = following!(over, store, changes);
    store.set("1", "old");
    assert_eq!(body(&get(&engine, "1").await), Some("old"));
    let version = store.set("1", "new");
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit, "nobody announced it");
    changes.tell(written("1", version));
    until("the new value is answered", || async { body(&get(&engine, "1").await) == Some("new") }).await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
}

async fn a_write_without_a_version_is_answered_within_a_moment(over: Over) {
    let (store, changes) = (FakeStore::new(), FakeChanges::new(true));
    let engine = following!(over, store, changes);
    let version = store.set("1", "old");
    get(&engine, "1").await;
    store.set_at("1", "new", version);
    changes.tell(Change::Touched { id: "1".to_owned() });
    until("the new value is answered", || async { body(&get(&engine, "1").await) == Some("new") }).await;
    let reads = loads(&engine);
    until("the cell is dropped once more", || async {
        get(&engine, "1").await;
        loads(&engine) > reads
    })
    .await;
}

async fn a_foreign_delete_is_answered_within_a_moment(over: Over) {
    let (store, changes) = (FakeStore::new(), FakeChanges::new(true));
    let engine = following!(over, store, changes);
    store.set("1", "old");
    get(&engine, "1").await;
    store.remove("1");
    changes.tell(Change::Deleted { id: "1".to_owned() });
    until("its absence is answered", || async { body(&get(&engine, "1").await).is_none() }).await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Absent);
}

async fn after_an_unknown_change_nothing_of_before_is_served(over: Over) {
    let (store, changes) = (FakeStore::new(), FakeChanges::new(true));
    let engine = following!(over, store, changes);
    for id in ["1", "2"] {
        let version = store.set(id, "old");
        get(&engine, id).await;
        store.set_at(id, "new", version);
    }
    changes.tell(Change::Unknown);
    for id in ["1", "2"] {
        until("the new value is answered", || async { body(&get(&engine, id).await) == Some("new") }).await;
        until("the new value is cached", || async { outcome(&engine, id).await == Outcome::Hit }).await;
    }
}

async fn after_an_unknown_change_versions_begin_anew(over: Over) {
    let (store, changes) = (FakeStore::new(), FakeChanges::new(true));
    let engine = following!(over, store, changes);
    store.set("value", "old");
    store.set("raised", "old");
    get(&engine, "value").await;
    get(&engine, "nothing").await;
    let floor = store.set("raised", "old");
    changes.tell(written("raised", floor));
    until("the floor is raised", || async { loads(&engine) > 2 || outcome(&engine, "raised").await == Outcome::Miss })
        .await;
    // Another collection takes the place of this one, by hands that know of no versions.
    for id in ["value", "nothing", "raised"] {
        store.set_at(id, "new", 0);
    }
    changes.tell(Change::Unknown);
    for id in ["value", "nothing", "raised"] {
        until("the new value is answered", || async { body(&get(&engine, id).await) == Some("new") }).await;
        until("and cached", || async { outcome(&engine, id).await == Outcome::Hit }).await;
        let before = loads(&engine);
        for _ in 0..20 {
            assert_eq!(outcome(&engine, id).await, Outcome::Hit);
        }
        assert_eq!(loads(&engine), before);
    }
}

async fn a_stream_that_missed_changes_takes_back_what_was_cached(over: Over) {
    let store = FakeStore::new();
    for (complete, expected) in [(true, "old"), (false, "new")] {
        let changes = FakeChanges::new(complete);
        changes.failing.store(true, Ordering::SeqCst);
        let engine = start(builder(&url(over), &store, options()).follow_changes(changes.clone()));
        let version = store.set("1", "old");
        get(&engine, "1").await;
        store.set_at("1", "new", version);
        changes.failing.store(false, Ordering::SeqCst);
        assert!(engine.wait_until_live(Duration::from_secs(60)).await);
        assert_eq!(body(&get(&engine, "1").await), Some(expected), "complete: {complete}");
    }
}

async fn own_writes_stay_hits_when_the_stream_tells_of_them(over: Over) {
    let (store, changes) = (FakeStore::new(), FakeChanges::new(true));
    let engine = following!(over, store, changes);
    let version = crate::support::put(&engine, "1", "one").await.version;
    changes.tell(written("1", version));
    crate::support::put(&engine, "2", "two").await;
    crate::support::delete(&engine, "2").await;
    changes.tell(Change::Deleted { id: "2".to_owned() });
    // What comes after them is applied when they are.
    store.set("3", "old");
    get(&engine, "3").await;
    let version = store.set("3", "new");
    changes.tell(written("3", version));
    until("the stream has caught up", || async { body(&get(&engine, "3").await) == Some("new") }).await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
    assert_eq!(outcome(&engine, "2").await, Outcome::Absent);
}

async fn a_stream_without_a_pause_is_live_while_it_keeps_up(over: Over) {
    for (lag, keeps_up) in [(Duration::ZERO, true), (Duration::from_secs(60), false)] {
        let (store, changes) = (FakeStore::new(), FakeChanges::behind(lag));
        let brief = Duration::from_millis(100);
        let options = options().with(|o| {
            o.max_lag = brief;
            o.heartbeat_timeout = brief;
            o.heartbeat = brief / 4;
        });
        let engine = start(builder(&url(over), &store, options).follow_changes(changes.clone()));
        assert!(engine.wait_until_live(Duration::from_secs(60)).await);
        // So often that it never says that there is none.
        let invalidator = tokio::spawn(async move {
            for version in 1.. {
                // Nobody listens while a stream that does not catch up is opened again.
                let _ = changes.tell.send(written("other", version));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        // Looks that find it so, ten milliseconds apart at least: many more than there can be within the heartbeat's timeout
        // after the stream was opened, however slow the machine is.
        let mut looks = 0;
        until("it is long found to keep up, or not to", async || {
            tokio::time::sleep(Duration::from_millis(10)).await;
            looks += u32::from(engine.wait_until_live(Duration::ZERO).await == keeps_up);
            looks >= 50
        })
        .await;
        invalidator.abort();
    }
}

async fn while_nobody_follows_values_are_fresh_for_a_shorter_time(over: Over) {
    let (store, changes) = (FakeStore::new(), FakeChanges::new(true));
    changes.failing.store(true, Ordering::SeqCst);
    let brief = options().with(|o| {
        o.fresh_without_stream = Duration::ZERO;
        o.early_refresh_beta = 0.0;
    });
    let engine = start(builder(&url(over), &store, brief).follow_changes(changes.clone()));
    store.set("1", "one");
    get(&engine, "1").await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Stale, "answered, and refreshed behind it");
    changes.failing.store(false, Ordering::SeqCst);
    assert!(engine.wait_until_live(Duration::from_secs(60)).await);
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
}

async fn while_somebody_follows_values_are_fresh_for_a_longer_time_and_are_refreshed_behind_answers_when_nobody_does_any_more(
    over: Over,
) {
    let (store, changes) = (FakeStore::new(), FakeChanges::new(true));
    let times = options().with(|o| {
        o.fresh = Duration::from_millis(1);
        o.fresh_without_stream = Duration::from_millis(1);
        o.stale_while_revalidate = Duration::from_secs(3_600);
        o.early_refresh_beta = 0.0;
    });
    let engine = start(builder(&url(over), &store, times).follow_changes(changes.clone()));
    assert!(engine.wait_until_live(Duration::from_secs(60)).await);
    store.set("1", "old");
    get(&engine, "1").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    until("it is older than without a stream, and fresh", async || {
        let answer = get(&engine, "1").await;
        answer.outcome == Outcome::Hit && (500_000..=660_000).contains(&answer.ttl_ms)
    })
    .await;
    store.set("1", "new");
    changes.silent.store(true, Ordering::SeqCst);
    let held = store.hold().await;
    until("it is stale, and answered", async || {
        let answer = get(&engine, "1").await;
        assert_eq!(body(&answer), Some("old"), "nobody waits for the store");
        answer.outcome == Outcome::Stale
    })
    .await;
    drop(held);
    until("it is refreshed", async || body(&get(&engine, "1").await) == Some("new")).await;
}

/// How many scripts a Redis has run.
fn scripts_run(redis: &RedisServer) -> u64 {
    let mut connection = Client::open(redis.url()).unwrap().get_connection().unwrap();
    let stats: String = cmd("INFO").arg("commandstats").query(&mut connection).unwrap();
    let calls = |line: &str| line.split_once("calls=")?.1.split(',').next()?.parse::<u64>().ok();
    stats.lines().filter(|line| line.starts_with("cmdstat_eval")).filter_map(calls).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_changes_of_an_id_the_cache_is_told_once() {
    let (redis, store, changes) = (RedisServer::start(), FakeStore::new(), FakeChanges::new(true));
    let engine = start(builder(&redis_url(&redis), &store, options()).follow_changes(changes.clone()));
    assert!(engine.wait_until_live(Duration::from_secs(60)).await);
    for id in ["0", "last"] {
        store.set(id, "old");
        get(&engine, id).await;
    }
    let before = scripts_run(&redis);
    let (version, count) = (store.set("last", "new"), 900);
    for number in 0..count {
        changes.tell(Change::Touched { id: (number % 10).to_string() });
    }
    changes.tell(written("last", version));
    until("the last is applied", || async { body(&get(&engine, "last").await) == Some("new") }).await;
    let reads = loads(&engine);
    until("the cells are dropped once more", || async {
        get(&engine, "0").await;
        loads(&engine) > reads + 1
    })
    .await;
    let run = scripts_run(&redis) - before;
    assert!(run < count, "{run} scripts for {count} changes, each of which counts twice");
}

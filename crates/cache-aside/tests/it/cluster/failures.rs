//! Servers that are killed, come back, or are flushed.

use std::time::{Duration, Instant};

use cache_aside::{Change, Health, Outcome};
use test_servers::{RedisCluster, lateness, until};

use super::{engine, hasty, id_on, ids, owner, until_hits, url, warm};
use crate::fake_changes::FakeChanges;
use crate::support::{FakeStore, body, builder, get, outcome, put, start};

/// The others go on while some slots are not served.
const PARTS: [&str; 2] = ["--cluster-require-full-coverage", "no"];

/// After so long at most everything is cached again, where servers are missed after 2 s (`cluster-node-timeout`).
const HITS_BACK: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_and_nothing_that_it_missed_is_answered() {
    let (mut cluster, store, setup) = (RedisCluster::start_with(3, 1, &PARTS), FakeStore::new(), hasty());
    let engines = [(); 2].map(|()| engine(&cluster, &store, &setup));
    warm(&engines[0], &store).await;
    until_hits(&engines[1], |_| true).await;
    let here: Vec<String> = ids().into_iter().filter(|id| owner(&cluster, 0, &setup, id) == Some(0)).collect();
    for id in &here {
        put(&engines[0], id, "old").await;
    }
    cluster.ask(0, &["WAIT", "1", "0"]);
    // What is written from here on the replica does not get.
    cluster.node(3).suspend();
    for id in &here {
        put(&engines[0], id, "new").await;
    }
    let began = Instant::now();
    cluster.node_mut(0).stop();
    cluster.node(3).resume();
    for id in &here {
        assert_eq!(body(&get(&engines[1], id).await), Some("new"), "{id}");
    }
    cluster.wait_until("the replica is promoted", |cluster| owner(cluster, 1, &setup, &here[0]) == Some(3));
    for engine in &engines {
        for id in &here {
            until("it is cached again", || async {
                let answer = get(engine, id).await;
                assert_eq!(body(&answer), Some("new"), "{id}: {answer:?}");
                answer.outcome == Outcome::Hit
            })
            .await;
        }
        // The others were hits all the time.
        for id in ids().iter().filter(|id| !here.contains(id)) {
            assert_eq!(outcome(engine, id).await, Outcome::Hit, "{id}");
        }
    }
    let took = began.elapsed();
    assert!(took < HITS_BACK + lateness(), "hits were back after {took:?}");
    // The old primary comes back, as a replica.
    cluster.node_mut(0).restart();
    cluster.wait_until("it is a replica", |cluster| cluster.ask(0, &["ROLE"]).list()[0].text() == "slave");
    for id in &here {
        assert_eq!(body(&get(&engines[0], id).await), Some("new"), "{id}");
    }
    until("all is well", || async { engines[0].health().await == Health::Up }).await;
    // Who wrote to the old primary had what took its place begin anew: until then nobody there had heard of those writes.
    for engine in &engines {
        let moved = engine.stats().validity;
        assert!(moved.by_change_stream + moved.by_announcement > 0, "{moved:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_from_an_old_snapshot_costs_the_slots_of_that_server() {
    let (mut cluster, store, setup) = (RedisCluster::start_with(3, 0, &PARTS), FakeStore::new(), hasty());
    let engine = engine(&cluster, &store, &setup);
    warm(&engine, &store).await;
    let id = id_on(&cluster, 0, &setup);
    put(&engine, &id, "old").await;
    assert_eq!(cluster.ask(0, &["SAVE"]).text(), "OK");
    put(&engine, &id, "new").await;
    cluster.node_mut(0).stop();
    for id in ids().iter().filter(|id| owner(&cluster, 1, &setup, id) != Some(0)) {
        assert_eq!(outcome(&engine, id).await, Outcome::Hit, "{id}");
    }
    cluster.node_mut(0).restart();
    until("it is cached again", || async {
        let answer = get(&engine, &id).await;
        assert_eq!(body(&answer), Some("new"), "{answer:?}");
        answer.outcome == Outcome::Hit
    })
    .await;
    for id in ids().iter().filter(|id| owner(&cluster, 1, &setup, id) != Some(0)) {
        assert_eq!(outcome(&engine, id).await, Outcome::Hit, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_server_without_a_replica_costs_only_its_slots() {
    let (mut cluster, store, setup) = (RedisCluster::start_with(3, 0, &PARTS), FakeStore::new(), hasty());
    let engine = engine(&cluster, &store, &setup);
    warm(&engine, &store).await;
    let is_lost = |id: &str| owner(&cluster, 1, &setup, id) == Some(2);
    let (lost, kept): (Vec<String>, Vec<String>) = ids().into_iter().partition(|id| is_lost(id));
    cluster.node_mut(2).stop();
    for round in 0..20 {
        for id in &kept {
            assert_eq!(outcome(&engine, id).await, Outcome::Hit, "{id} in round {round}");
        }
        for id in &lost {
            assert_eq!(body(&get(&engine, id).await), Some("value"), "{id} in round {round}");
        }
    }
    // Writes to it are made up for when it is there again, and hold up none of the others.
    put(&engine, &lost[0], "new").await;
    put(&engine, &kept[0], "new").await;
    assert_eq!(outcome(&engine, &kept[0]).await, Outcome::Hit);
    assert_eq!(engine.health().await, Health::Partial);
    cluster.node_mut(2).restart();
    until("all is cached again", || async {
        assert_eq!(body(&get(&engine, &lost[0]).await), Some("new"));
        outcome(&engine, &lost[0]).await == Outcome::Hit && engine.health().await == Health::Up
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_of_one_server_costs_what_it_held() {
    let (cluster, store, setup) = (RedisCluster::start_with(3, 0, &PARTS), FakeStore::new(), hasty());
    let engine = engine(&cluster, &store, &setup);
    warm(&engine, &store).await;
    assert_eq!(cluster.ask(1, &["FLUSHALL"]).text(), "OK");
    for id in ids() {
        let expected = if owner(&cluster, 0, &setup, &id) == Some(1) { Outcome::Miss } else { Outcome::Hit };
        assert_eq!(outcome(&engine, &id).await, expected, "{id}");
        assert_eq!(outcome(&engine, &id).await, Outcome::Hit, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_writes_are_noticed_past_a_lost_server_and_on_it_when_it_is_back() {
    let (mut cluster, store, setup) = (RedisCluster::start_with(3, 0, &PARTS), FakeStore::new(), hasty());
    let changes = FakeChanges::new(true);
    let engine = start(builder(&url(&cluster), &store, setup.clone()).follow_changes(changes.clone()));
    assert!(engine.wait_until_live(Duration::from_secs(180)).await);
    warm(&engine, &store).await;
    // The one that has the lead over the change stream.
    let lost = cluster.server_of(cluster.slot(&format!("{}:lead", setup.prefix))).unwrap();
    let ids = [id_on(&cluster, lost, &setup), id_on(&cluster, (lost + 1) % 3, &setup)];
    cluster.node_mut(lost).stop();
    for id in &ids {
        let version = store.set(id, "foreign");
        changes.tell(Change::Written { id: id.clone(), version });
    }
    until("it is noticed where it can be", || async { body(&get(&engine, &ids[1]).await) == Some("foreign") }).await;
    until("the stream is live", || async { engine.stats().change_stream.live }).await;
    assert_eq!(outcome(&engine, &ids[1]).await, Outcome::Hit);
    cluster.node_mut(lost).restart();
    until("it is noticed on the other one", || async {
        let answer = get(&engine, &ids[0]).await;
        assert_eq!(body(&answer), Some("foreign"), "{answer:?}");
        answer.outcome == Outcome::Hit
    })
    .await;
}

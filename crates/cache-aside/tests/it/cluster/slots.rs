//! Slots that move from one server to another, and back.

use std::sync::atomic::{AtomicBool, Ordering};

use cache_aside::{Outcome, Published};
use futures::future::join_all;
use test_servers::{RedisCluster, until};

use super::{engine, id_on, ids, until_hits, warm};
use crate::support::{FakeStore, body, get, options, outcome, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moved_costs_what_was_in_it_and_nothing_else() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let engines = [(); 2].map(|()| engine(&cluster, &store, &setup));
    warm(&engines[0], &store).await;
    until_hits(&engines[1], |_| true).await;
    let (moved, by) = (id_on(&cluster, 0, &setup), setup.prefix.clone());
    let slot = cluster.slot(&format!("{by}:{{{moved}}}"));
    cluster.move_slots(0, 1, [slot]);

    // The store is not asked again for what stayed where it was.
    for engine in &engines {
        for id in ids().iter().filter(|id| **id != moved) {
            assert_eq!(outcome(engine, id).await, Outcome::Hit, "{id}");
        }
    }
    let first = get(&engines[0], &moved).await;
    assert_eq!(first.outcome, Outcome::Miss, "what was moved is from another server's clock: {first:?}");
    until("it is cached where it is now", || async { outcome(&engines[1], &moved).await == Outcome::Hit }).await;
    // Also to a process that starts only now.
    let late = engine(&cluster, &store, &setup);
    until_hits(&late, |_| true).await;

    // It comes back: what it was before it went does not count.
    put(&engines[0], &moved, "new").await;
    cluster.move_slots(1, 0, [slot]);
    for engine in &engines {
        until("it is cached where it came back to", || async {
            let answer = get(engine, &moved).await;
            assert_eq!(body(&answer), Some("new"));
            answer.outcome == Outcome::Hit
        })
        .await;
    }
    assert_eq!(cluster.server_of(slot), Some(0));
}

/// As clients that read in batches have failed: redis/ioredis#2075.
#[tokio::test]
async fn of_many_reads_at_one_time_those_whose_slots_have_stayed_are_hits_and_the_others_are_answered() {
    let (cluster, store, setup) = (RedisCluster::start(2, 0), FakeStore::new(), options());
    let engine = engine(&cluster, &store, &setup);
    warm(&engine, &store).await;
    let slot = |id: &String| cluster.slot(&format!("{}:{{{id}}}", setup.prefix));
    let moved: Vec<u16> = ids().iter().map(slot).filter(|slot| cluster.server_of(*slot) == Some(0)).take(5).collect();
    assert_eq!(moved.len(), 5);
    cluster.move_slots(0, 1, moved.clone());
    let many: Vec<String> = (0..10).flat_map(|_| ids()).collect();
    let answers = join_all(many.iter().map(|id| get(&engine, id))).await;
    for (id, answer) in many.iter().zip(&answers) {
        assert_eq!(body(answer), Some("value"), "{id}: {answer:?}");
        assert!(answer.outcome == Outcome::Hit || moved.contains(&slot(id)), "{id}: {answer:?}");
    }
    until_hits(&engine, |_| true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_on_its_way_answers_nothing_old_and_takes_writes() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let engines = [(); 2].map(|()| engine(&cluster, &store, &setup));
    warm(&engines[0], &store).await;
    until_hits(&engines[1], |_| true).await;
    let id = id_on(&cluster, 0, &setup);
    let slot = cluster.slot(&format!("{}:{{{id}}}", setup.prefix));
    cluster.begin_to_move(0, 1, slot);
    assert_eq!(outcome(&engines[0], &id).await, Outcome::Hit, "it is still here");

    // No script finds the cell and its lease together now.
    assert_eq!(put(&engines[0], &id, "one").await.published, Published::Yes);
    assert_eq!(body(&get(&engines[1], &id).await), Some("one"));
    // What was moved already is not left behind as it was.
    let other = RedisKeys { cluster: &cluster, prefix: &setup.prefix, slot };
    other.plant_old(&id);
    cluster.move_what_is_in(0, 1, slot);
    assert_eq!(put(&engines[0], &id, "two").await.published, Published::Yes);
    assert_eq!(body(&get(&engines[1], &id).await), Some("two"));

    cluster.move_slots(0, 1, [slot]);
    for engine in &engines {
        until("it is cached where it is now", || async {
            let answer = get(engine, &id).await;
            assert_eq!(body(&answer), Some("two"));
            answer.outcome == Outcome::Hit
        })
        .await;
    }
}

struct RedisKeys<'a> {
    cluster: &'a RedisCluster,
    prefix: &'a str,
    slot: u16,
}

impl RedisKeys<'_> {
    /// An old cell, as if it had been filled just now, in the slot that is on its way.
    fn plant_old(&self, id: &str) {
        let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let cell = format!("1V{:016}{now_ms:014}00000000old", 1);
        let key = format!("{}:{{{id}}}", self.prefix);
        // Only where the key is does the server take it while the slot is on its way: it is put there, then the slot is marked
        // again.
        let slot = self.slot.to_string();
        assert_eq!(self.cluster.ask(0, &["CLUSTER", "SETSLOT", &slot, "STABLE"]).text(), "OK");
        assert_eq!(self.cluster.ask(0, &["SET", &key, &cell, "PX", "600000"]).text(), "OK");
        self.cluster.begin_to_move(0, 1, self.slot);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn slots_move_under_load_without_an_error_or_an_old_answer() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let engines = [(); 2].map(|()| engine(&cluster, &store, &setup));
    warm(&engines[0], &store).await;
    let stop = AtomicBool::new(false);
    let read_and_write = async |at: usize| {
        let mut rounds = 0u64;
        // Every write is there for whoever reads after it, through either process.
        while !stop.load(Ordering::Acquire) || rounds < 2 {
            for id in ids().iter().skip(at).step_by(4) {
                let written = put(&engines[at % 2], id, "x").await.version;
                for engine in &engines {
                    let seen = get(engine, id).await.entry.unwrap().version;
                    assert!(seen >= written, "{id}: {seen} after {written}");
                }
            }
            rounds += 1;
        }
    };
    let slots: Vec<u16> = ids().iter().map(|id| cluster.slot(&format!("{}:{{{id}}}", setup.prefix))).collect();
    let moving = async {
        for from in [0, 1, 2, 0] {
            let moved = slots.iter().copied().filter(|slot| cluster.server_of(*slot) == Some(from)).take(20);
            tokio::task::block_in_place(|| cluster.move_slots(from, (from + 1) % 3, moved.collect::<Vec<_>>()));
        }
        stop.store(true, Ordering::Release);
    };
    futures::join!(moving, read_and_write(0), read_and_write(1), read_and_write(2), read_and_write(3));
    until_hits(&engines[1], |_| true).await;
}

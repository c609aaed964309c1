//! MongoDB with three members: its primary steps down, is killed, or stands still and does not know that it was deposed, while
//! clients write and read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mongodb::bson::doc;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use test_servers::{MongoSet, fresh_name, shared_redis, until};

use crate::support::Service;

/// Todos that are written by turns.
const IDS: u64 = 20;

/// What the clients have seen.
#[derive(Default)]
struct Seen {
    /// The last number of each todo that was acknowledged.
    acknowledged: Mutex<HashMap<u64, u64>>,
    writes: AtomicU64,
    reads: AtomicU64,
    /// Answers that are neither as they should be nor an outage that says when to try again.
    wrong: Mutex<Vec<String>>,
    /// The last write that was acknowledged, and the longest time between two.
    pause: Mutex<(Option<Instant>, Duration)>,
    over: AtomicBool,
}

impl Seen {
    fn note(&self, answer: &Response, expected: &[u16]) -> bool {
        let status = answer.status().as_u16();
        let says_when = answer.headers().contains_key("retry-after");
        if !(expected.contains(&status) || matches!(status, 503 | 504) && says_when) {
            self.wrong.lock().unwrap().push(format!("{status} {:?}", answer.headers()));
        }
        expected.contains(&status)
    }

    fn acknowledge(&self, id: u64, number: u64) {
        self.acknowledged.lock().unwrap().insert(id, number);
        self.writes.fetch_add(1, Ordering::SeqCst);
        let mut pause = self.pause.lock().unwrap();
        let (last, longest) = *pause;
        *pause = (Some(Instant::now()), longest.max(last.map_or(Duration::ZERO, |last| last.elapsed())));
    }
}

/// The number in the name of a todo.
async fn number(answer: Response) -> u64 {
    let todo: Value = answer.json().await.unwrap();
    todo["name"].as_str().unwrap().parse().unwrap()
}

/// About 50 writes a second, each acknowledged before the next of the same todo.
async fn write(todos: String, seen: Arc<Seen>) {
    let client = Client::new();
    for number in 1.. {
        if seen.over.load(Ordering::SeqCst) {
            return;
        }
        let id = number % IDS;
        let put = client.put(format!("{todos}/{id}")).json(&json!({ "name": number.to_string() }));
        let answer = put.send().await.unwrap();
        if seen.note(&answer, &[200, 201]) {
            seen.acknowledge(id, number);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn read(todos: String, seen: Arc<Seen>) {
    let client = Client::new();
    for number in 1.. {
        if seen.over.load(Ordering::SeqCst) {
            return;
        }
        let answer = client.get(format!("{todos}/{}", number % IDS)).send().await.unwrap();
        // Before its first write there is none.
        if seen.note(&answer, &[200, 404]) {
            seen.reads.fetch_add(1, Ordering::SeqCst);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_and_every_error_says_when_to_try_again() {
    let mut set = tokio::task::spawn_blocking(MongoSet::start).await.unwrap();
    let (store, cache, name) = (set.url(), shared_redis().url(), fresh_name("elections"));
    let flags = ["--store", &store, "--cache", &cache, "--database", &name, "--cache-prefix", &name];
    let service =
        Service::start(&[&flags[..], &["--store-timeout", "2s", "--store-soft-timeout", "250ms"]].concat()).await;
    let todos = format!("http://{}/todos", service.address);
    let seen = Arc::new(Seen::default());
    let mut clients = vec![tokio::spawn(write(todos.clone(), Arc::clone(&seen)))];
    clients.extend((0..4).map(|_| tokio::spawn(read(todos.clone(), Arc::clone(&seen)))));
    for fault in ["stepDown", "kill -9", "a standstill"] {
        let before = seen.writes.load(Ordering::SeqCst);
        until("clients are at work", async || seen.writes.load(Ordering::SeqCst) > before + 20).await;
        set = tokio::task::spawn_blocking(move || {
            let primary = set.wait_for_primary();
            match fault {
                // Whatever it answers: it hangs up on everybody.
                "stepDown" => drop(set.member(primary).try_admin(doc! { "replSetStepDown": 10, "force": true })),
                "kill -9" => {
                    set.kill(primary);
                    set.wait_for_primary();
                    set.start_again(primary);
                }
                _ => {
                    set.member(primary).suspend();
                    set.wait_for_primary();
                    set.member(primary).resume();
                }
            }
            set.wait_until_whole();
            set
        })
        .await
        .unwrap();
        let before = seen.writes.load(Ordering::SeqCst);
        until("writes go on", async || seen.writes.load(Ordering::SeqCst) > before + 20).await;
        let mut pause = seen.pause.lock().unwrap();
        eprintln!("{fault}: {:?} without a write", pause.1);
        pause.1 = Duration::ZERO;
    }
    seen.over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(*seen.wrong.lock().unwrap(), [""; 0]);
    assert!(seen.reads.load(Ordering::SeqCst) > 100);
    let acknowledged = seen.acknowledged.lock().unwrap().clone();
    for (id, last) in acknowledged {
        let answer = service.get(&format!("/todos/{id}")).await;
        assert_eq!(answer.status(), 200);
        // One of which nobody knows whether it happened may have come after it.
        let found = number(answer).await;
        assert!(found >= last, "todo {id}: {last} was acknowledged, and {found} is there");
        let from_store =
            service.request(reqwest::Method::GET, &format!("/todos/{id}")).header("cache-control", "no-cache");
        assert!(number(from_store.send().await.unwrap()).await >= last, "todo {id} in the store");
    }
}

//! The page at `/live`, what it shows, and what it costs, as far as it can be seen without a browser.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use test_servers::{RedisServer, fresh_name, shared_mongo, shared_redis};

use crate::program::Program;
use crate::support::{Service, detail, embedded, header, until};

const LOOK: &str = "GET /live HTTP/1.1\r\nhost: test\r\naccept: text/event-stream\r\n\r\n";

/// Somebody who looks.
pub(crate) struct Viewer {
    answer: Response,
    text: String,
}

impl Viewer {
    pub(crate) async fn of(service: &Service) -> Self {
        let answer = service.request(Method::GET, "/live").header("accept", "text/event-stream").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, "text/event-stream"));
        assert_eq!((header(&answer, "cache-control"), header(&answer, "vary")), ("no-store", "accept"));
        Self { answer, text: String::new() }
    }

    /// The next picture.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.strip_prefix("event: picture\ndata: ").map(|data| serde_json::from_str(data).unwrap());
                self.text = rest.to_owned();
                match data {
                    Some(picture) => return picture,
                    None => continue,
                }
            }
            let chunk = self.answer.chunk().await.unwrap().expect("the stream goes on");
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The first picture that is as it should be.
    async fn until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..120 {
            let picture = self.next().await;
            if is(&picture) {
                return picture;
            }
        }
        panic!("no picture shows that {what}");
    }
}

pub(crate) fn own(picture: &Value) -> &Value {
    &picture["processes"][0]["snapshot"]
}

fn has_event(picture: &Value, kind: &str) -> bool {
    own(picture)["events"].as_array().unwrap().iter().any(|event| event["kind"] == kind)
}

#[tokio::test]
async fn the_page_needs_nothing_but_itself() {
    let service = embedded().await;
    let page = service.get("/live").await;
    assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
    let policy = header(&page, "content-security-policy").to_owned();
    for rule in ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let off = Service::start(&["--live", "off"]).await;
    for path in ["/live", "/live/cells/1"] {
        assert_eq!(off.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_shows_requests_loads_hot_ids_and_latency() {
    let service = embedded().await;
    service.create("hot").await;
    let mut viewer = Viewer::of(&service).await;
    let before = viewer.next().await;
    for turn in 0..200 {
        assert_eq!(service.get("/todos/hot").await.status(), 200);
        if turn % 10 == 0 {
            assert_eq!(service.get(&format!("/todos/rare-{turn}")).await.status(), 404);
        }
    }
    let picture = viewer.until("all are counted", |picture| own(picture)["counts"]["hit"] == 200).await;
    let (before, now) = (own(&before), own(&picture));
    assert_eq!(
        (&now["counts"]["miss"], &now["counts"]["write"], &now["counts"]["loads"]),
        (&json!(20), &json!(1), &json!(20))
    );
    assert!(now["up_ms"].as_u64() > before["up_ms"].as_u64());
    let requests: u64 = now["latency"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(requests, 221, "of todos, the create included");
    assert_eq!(now["bounds_us"].as_array().unwrap().len() + 1, now["latency"].as_array().unwrap().len());
    let picture = viewer.until("an id is hot", |picture| own(picture)["hot"][0][0] == "hot").await;
    assert!(own(&picture)["hot"][0][1].as_f64().unwrap() > 0.0);
    assert_eq!(own(&picture)["breaker"], "closed");
}

#[tokio::test]
async fn a_picture_says_when_reads_are_not_sampled() {
    let service = Service::start(&["--warm-ids", "0"]).await;
    let picture = Viewer::of(&service).await.next().await;
    assert_eq!(own(&picture)["hot"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_share_a_redis_are_in_one_picture_and_those_of_others_are_not() {
    let (store, cache) = (shared_mongo().url(), shared_redis().url());
    let (name, other) = (fresh_name("live"), fresh_name("live"));
    let of = async |name: &str| {
        Service::start(&["--store", &store, "--cache", &cache, "--database", name, "--cache-prefix", name]).await
    };
    let (first, second, _third) = (of(&name).await, of(&name).await, of(&other).await);
    second.create("1").await;
    let mut viewer = Viewer::of(&first).await;
    let picture = viewer
        .until("both are there, and what the second has counted", |picture| {
            let all = picture["processes"].as_array().unwrap();
            all.len() > 1 && all[1]["snapshot"]["counts"]["write"] == 1
        })
        .await;
    let all = picture["processes"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_ne!(all[0]["snapshot"]["process"], all[1]["snapshot"]["process"]);
    assert_eq!(all[1]["snapshot"]["address"], second.address.to_string());
    // The other one says how it is although nobody looks there, and stops when nobody looks anywhere.
    assert_eq!(second.viewers(), 0);
    drop(viewer);
    until("nobody looks", || async { first.viewers() == 0 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_dies_and_comes_back_is_in_the_events_with_its_cause() {
    let mut redis = RedisServer::start();
    let cache = redis.url();
    let service = Service::start(&["--cache", &cache, "--redis-timeout", "1s"]).await;
    service.create("1").await;
    let mut viewer = Viewer::of(&service).await;
    redis.stop();
    until("reads pass by Redis", || async {
        service.get("/todos/1").await;
        service.todos.stats().breaker != cache_aside::BreakerState::Closed
    })
    .await;
    let picture = viewer.until("the breaker opened", |picture| has_event(picture, "cache_breaker_opened")).await;
    let events = own(&picture)["events"].as_array().unwrap();
    let opened = events.iter().find(|event| event["kind"] == "cache_breaker_opened").unwrap();
    assert!(!opened["cause"].as_str().unwrap().is_empty(), "{opened}");
    redis.restart();
    until("reads come from Redis", || async {
        service.get("/todos/1").await;
        service.todos.stats().breaker == cache_aside::BreakerState::Closed
    })
    .await;
    let is_back = |picture: &Value| has_event(picture, "cache_breaker_closed") && has_event(picture, "cache_replaced");
    viewer.until("Redis is back, and another", is_back).await;
    // What happened is told to who comes later, too.
    assert!(has_event(&Viewer::of(&service).await.next().await, "cache_breaker_opened"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cell_is_shown_as_it_is_and_forgotten_without_a_change_of_the_store() {
    let (cache, name) = (shared_redis().url(), fresh_name("cell"));
    let redis = Service::start(&["--cache", &cache, "--cache-prefix", &name]).await;
    for service in [embedded().await, redis] {
        let cell = async || service.get("/live/cells/1").await.json::<Value>().await.unwrap();
        let none = cell().await;
        assert_eq!((&none["cell"], &none["cache"], &none["lease"]), (&Value::Null, &json!("up"), &json!([])));
        assert_eq!(service.get("/todos/1").await.status(), 404);
        assert_eq!(cell().await["cell"]["kind"], "absent");
        service.create("1").await;
        let found = cell().await;
        let value = &found["cell"];
        assert_eq!(
            (&value["kind"], &value["answers"], &found["pending"]),
            (&json!("value"), &json!("fresh"), &json!(false))
        );
        assert!(value["version"].as_u64() > Some(0) && value["bytes"].as_u64() > Some(10), "{found}");
        assert!(value["ttl_ms"].as_i64().unwrap() > 40_000, "{found}");
        let loads = service.todos.store_reads();
        let forgotten = service.request(Method::DELETE, "/live/cells/1").send().await.unwrap();
        assert_eq!(forgotten.status(), 204);
        assert_eq!(cell().await["cell"], Value::Null);
        assert_eq!(service.todos.store_reads(), loads, "neither looks into the store");
        assert_eq!(service.get("/todos/1").await.status(), 200, "the todo is still there");
        assert_eq!(service.todos.store_reads(), loads + 1);
        assert_eq!(cell().await["cell"]["kind"], "value");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_that_is_away_or_off_is_said_to_be() {
    let mut redis = RedisServer::start();
    let cache = redis.url();
    let service = Service::start(&["--cache", &cache, "--redis-timeout", "1s"]).await;
    redis.stop();
    let found: Value = service.get("/live/cells/1").await.json().await.unwrap();
    assert_eq!((&found["cache"], &found["cell"]), (&json!("down"), &Value::Null));
    let forgotten = service.request(Method::DELETE, "/live/cells/1").send().await.unwrap();
    assert_eq!(detail(forgotten, 503).await, "the cache does not answer: nothing was changed, try again");
    let off = Service::start(&["--cache", "none:"]).await;
    assert_eq!(off.get("/live/cells/1").await.json::<Value>().await.unwrap()["cache"], "off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_may_look_and_a_head_looks_at_nothing() {
    let service = embedded().await;
    let head = service.request(Method::HEAD, "/live").header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(service.viewers(), 0);
    let mut viewers = Vec::new();
    for _ in 0..64 {
        viewers.push(Viewer::of(&service).await);
    }
    let one_more = service.request(Method::GET, "/live").header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(header(&one_more, "retry-after"), "1");
    detail(one_more, 503).await;
    assert_eq!(service.get("/livez").await.status(), 200);
    drop(viewers);
    until("all have gone", || async { service.viewers() == 0 }).await;
    Viewer::of(&service).await.next().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_slow_takes_the_newest_picture_and_none_of_those_before() {
    let service = embedded().await;
    let mut slow = service.look();
    assert_eq!(slow.next().await.unwrap(), "retry: 2000\n\n", "a browser is told at once that the stream is there");
    assert!(slow.next().await.unwrap().starts_with(b"event: past\n"), "and then what was before");
    let mut quick = Viewer::of(&service).await;
    let mut pictures = Vec::new();
    for _ in 0..4 {
        pictures.push(quick.next().await["at_ms"].as_u64().unwrap());
    }
    let picture = slow.next().await.unwrap();
    let data = std::str::from_utf8(&picture).unwrap().split_once("data: ").unwrap().1;
    let picture: Value = serde_json::from_str(data).unwrap();
    assert!(picture["at_ms"].as_u64().unwrap() >= pictures[3], "{pictures:?}");
}

#[test]
fn sigterm_ends_a_stream_at_once_with_its_end() {
    let mut program = Program::start(&["--shutdown-timeout", "40s"]);
    let mut socket = program.connect();
    socket.write_all(LOOK.as_bytes()).unwrap();
    let mut answer = BufReader::new(socket.try_clone().unwrap());
    let mut line = String::new();
    while !line.starts_with("data: ") {
        line.clear();
        assert!(answer.read_line(&mut line).unwrap() > 0, "a picture comes");
    }
    let began = std::time::Instant::now();
    program.signal("TERM");
    let mut rest = String::new();
    answer.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("\r\n0\r\n\r\n"), "the answer is whole: {rest:?}");
    assert_eq!(program.wait().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(30), "nobody waits for the time-out");
}

#[test]
fn a_stream_lasts_longer_than_an_idle_connection_may() {
    let program = Program::start(&["--keep-alive", "2s"]);
    let mut socket = program.connect();
    socket.write_all(LOOK.as_bytes()).unwrap();
    let mut answer = BufReader::new(socket.try_clone().unwrap());
    let mut pictures = 0;
    let mut line = String::new();
    while pictures < 6 {
        line.clear();
        assert!(answer.read_line(&mut line).unwrap() > 0, "the stream ended after {pictures} pictures");
        pictures += usize::from(line.starts_with("data: "));
    }
}

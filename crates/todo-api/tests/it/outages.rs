//! Redis or MongoDB away.

use std::time::Duration;

use cache_aside::BreakerState;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_servers::{MongoServer, RedisServer, fresh_name, shared_mongo};

use crate::support::{Service, cache_status, detail, header, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_away_at_the_start_todos_come_from_the_store_until_it_is_back() {
    let mut redis = RedisServer::start();
    redis.stop();
    let (store, cache, name) = (shared_mongo().url(), redis.url(), fresh_name("noredis"));
    let service = Service::start(&["--store", &store, "--cache", &cache, "--database", &name]).await;
    service.create("1").await;
    for _ in 0..20 {
        let response = service.get("/todos/1").await;
        assert_eq!(response.status(), 200);
        assert_eq!(cache_status(&response), "fwd=bypass; detail=cache-error");
    }
    let ready = service.get("/readyz").await;
    assert_eq!(ready.status(), 200, "the cache is not required");
    assert_eq!(ready.json::<Value>().await.unwrap()["cache"], "down");

    redis.restart();
    until("todos come from the cache", || async { cache_status(&service.get("/todos/1").await) == "hit" }).await;
    assert_eq!(service.get("/readyz").await.json::<Value>().await.unwrap()["cache"], "up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_while_redis_is_away_is_acknowledged_and_says_that_the_cache_does_not_know() {
    let mut redis = RedisServer::start();
    redis.stop();
    let cache = redis.url();
    let service = Service::start(&["--cache", &cache]).await;
    let created = service.post(r#"{"id":"1","name":"A"}"#).await;
    assert_eq!(created.status(), 201);
    assert_eq!(cache_status(&created), "fwd=method; detail=publish-deferred");
    assert_eq!(service.get("/todos/1").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_store_away_the_cache_answers_what_it_has_and_the_rest_is_503() {
    let mut mongo = MongoServer::start();
    let redis = RedisServer::start();
    let (store, cache) = (mongo.url(), redis.url());
    let service = Service::start(&["--store", &store, "--cache", &cache, "--store-timeout", "1s"]).await;
    // Cold, so its first operations may take longer than the short deadline.
    until("a todo is created", || async {
        let status = service.post(r#"{"id":"1","name":"A"}"#).await.status().as_u16();
        matches!(status, 201 | 409)
    })
    .await;
    assert_eq!(service.get("/todos/1").await.status(), 200);
    mongo.stop();

    assert_eq!(cache_status(&service.get("/todos/1").await), "hit");
    let missed = service.get("/todos/2").await;
    assert_eq!(header(&missed, "retry-after"), "1");
    let said = detail(missed, 503).await;
    assert!(!said.contains("127.0.0.1"), "opaque: {said}");
    let many = service.get("/todos?ids=2,1").await;
    assert_eq!((many.status().as_u16(), cache_status(&many).as_str()), (200, "hit; detail=\"hit=1 failed=1\""));
    let members: Value = many.json().await.unwrap();
    assert_eq!(
        (&members[0]["status"], &members[0]["todo"], &members[1]["status"]),
        (&503.into(), &Value::Null, &200.into())
    );
    let none = service.get("/todos?ids=2,3").await;
    assert_eq!(header(&none, "retry-after"), "1");
    detail(none, 503).await;
    let created = service.post(r#"{"id":"2","name":"A"}"#).await;
    assert!(matches!(created.status().as_u16(), 503 | 504), "{}", created.status());
    assert_eq!(service.get("/readyz").await.status(), 503);
    assert_eq!(service.get("/livez").await.status(), 200);

    mongo.restart();
    until("the store is back", || async { service.get("/todos/2").await.status() == 404 }).await;
    assert_eq!(service.get("/readyz").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_is_left_alone_and_writes_are_503_until_one_tries_it_in_vain_no_more() {
    let mut mongo = MongoServer::start();
    let store = mongo.url();
    let service = Service::start(&["--store", &store, "--store-timeout", "1s"]).await;
    until("a todo is created", || async {
        matches!(service.post(r#"{"id":"1","name":"A"}"#).await.status().as_u16(), 201 | 409)
    })
    .await;
    mongo.stop();
    let put = async || {
        let request = service.request(Method::PUT, "/todos/2").header("content-type", "application/json");
        request.body(r#"{"name":"B"}"#).send().await.unwrap()
    };
    until("the breaker is open", || async {
        let response = put().await;
        assert!(matches!(response.status().as_u16(), 503 | 504), "{response:?}");
        assert_eq!(header(&response, "retry-after"), "1");
        service.todos.store_breaker() == BreakerState::Open
    })
    .await;
    let ready = service.get("/readyz").await;
    assert_eq!(ready.status(), 503);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!((&ready["store"], &ready["store_breaker"]), (&"down".into(), &"open".into()));

    let mut at_once = 0;
    for _ in 0..200 {
        let open = service.todos.store_breaker() == BreakerState::Open;
        let failed = service.todos.stats().writes.failed;
        for response in [put().await, service.get("/todos/3").await] {
            assert_eq!(header(&response, "retry-after"), "1");
            assert_eq!(response.status(), 503, "nothing was sent, and that is known");
        }
        let patch = service.request(Method::PATCH, "/todos/1").header("content-type", "application/json");
        assert_eq!(patch.body(r#"{"name":"C"}"#).send().await.unwrap().status(), 503);
        at_once += u32::from(open && service.todos.stats().writes.failed > failed);
        if at_once >= 20 {
            break;
        }
    }
    assert!(at_once >= 20);

    mongo.restart();
    until("a write passes", || async { put().await.status().is_success() }).await;
    let ready = service.get("/readyz").await;
    assert_eq!(ready.status(), 200);
    assert_eq!(ready.json::<Value>().await.unwrap(), json!({ "status": "ready", "store": "up", "cache": "up" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_pass_beside_two_hundred_readers_of_a_slow_store() {
    let mongo = MongoServer::start_for_faults();
    let store = mongo.url();
    let patient = ["--store-timeout", "25s", "--store-queue", "25s", "--change-stream", "off"];
    let service = Service::start(&[&["--store", store.as_str()][..], &patient[..]].concat()).await;
    service.create("1").await;
    // Longer than a write waits, when several finds are before it on each connection.
    mongo.slow_down("find", "test.todos", Duration::from_secs(8));
    let service = &service;
    let readers = join_all((0..200).map(|id| async move { service.get(&format!("/todos/r{id}")).await.status() }));
    let writers = async {
        until("as many reads are under way as may be", || async { service.todos.stats().loads.running == 64 }).await;
        let writes = (0..20).map(|id| service.post(format!(r#"{{"id":"w{id}","name":"A"}}"#)));
        for created in join_all(writes).await {
            assert_eq!(created.status(), 201, "{created:?}");
        }
        assert_eq!(service.request(Method::DELETE, "/todos/1").send().await.unwrap().status(), 204);
        mongo.slow_down("find", "test.todos", Duration::ZERO);
    };
    let (statuses, ()) = futures::join!(readers, writers);
    assert!(statuses.iter().all(|status| matches!(status.as_u16(), 404 | 503)), "{statuses:?}");
}

#[tokio::test]
async fn of_more_reads_than_the_store_is_to_be_asked_at_one_time_the_rest_wait_so_long_and_are_503() {
    let mongo = MongoServer::start_for_faults();
    let (url, asked) = (mongo.url(), ["--store-concurrency", "2", "--store-queue", "50ms", "--store-timeout", "60s"]);
    let flags = [&["--store", &url, "--cache", "memory:", "--change-stream", "off"][..], &asked].concat();
    let service = Service::start(&flags).await;
    mongo.slow_down("find", "test.todos", Duration::from_secs(8));
    let first = futures::future::join(service.get("/todos/1"), service.get("/todos/2"));
    let third = async {
        until("two reads ask the store", async || service.todos.stats().loads.running == 2).await;
        let refused = service.get("/todos/3").await;
        let seconds: u64 = header(&refused, "retry-after").parse().unwrap();
        assert_eq!((refused.status().as_u16(), seconds), (503, 1));
        mongo.slow_down("find", "test.todos", Duration::ZERO);
    };
    let ((one, two), ()) = futures::future::join(first, third).await;
    assert_eq!((one.status(), two.status()), (404.try_into().unwrap(), 404.try_into().unwrap()));
}

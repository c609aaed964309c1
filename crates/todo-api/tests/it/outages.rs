//! Redis or MongoDB away.

use serde_json::Value;
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

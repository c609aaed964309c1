//! A cache that is empty gets the todos that are read most before anybody asks for them.

use reqwest::Method;
use serde_json::Value;
use test_servers::{RedisServer, fresh_name, shared_mongo};
use todo_store::{Store, StoreOptions};

use crate::support::{Service, cache_status, metric, until};

/// Each read of all of them is one request.
const READS: usize = 20;

async fn create_and_read_often(service: &Service, count: usize) -> String {
    let ids: Vec<String> = (1..=count).map(|id| id.to_string()).collect();
    for id in &ids {
        service.create(id).await;
    }
    let path = format!("/todos?ids={}", ids.join(","));
    for _ in 0..READS {
        assert_eq!(service.get(&path).await.status(), 200);
    }
    path
}

async fn warmed(service: &Service) -> f64 {
    metric(service, "cache_warmed_total").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_empty_gets_them_and_readyz_tells_how_far_that_is() {
    let mut redis = RedisServer::start();
    let flags = ["--cache", &redis.url(), "--store-batch", "8", "--warm-rate", "16/s"];
    let service = Service::start(&flags).await;
    create_and_read_often(&service, 40).await;
    redis.restart();
    until("it is told how far it is", || async {
        let ready: Value = service.get("/readyz").await.json().await.unwrap();
        ready["warming"]["of"] == 40 && ready["warming"]["done"].as_u64().is_some_and(|done| (8..40).contains(&done))
    })
    .await;
    until("all are loaded", || async { warmed(&service).await >= 40.0 }).await;
    // What was loaded first may be invalid once the change stream has begun anew; nothing is filled by asking so.
    until("they are answered from the cache", || async {
        let asked = service.request(Method::GET, "/todos/40").header("cache-control", "only-if-cached").send();
        cache_status(&asked.await.unwrap()) == "hit"
    })
    .await;
    until("it is over", || async {
        let ready: Value = service.get("/readyz").await.json().await.unwrap();
        ready.get("warming").is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_starts_over_an_empty_cache_knows_them_unless_it_is_told_not_to() {
    let (mongo, name) = (shared_mongo().url(), fresh_name("warm"));
    let flags = ["--store", &mongo, "--database", &name, "--cache-prefix", &name];
    let service = Service::start(&flags).await;
    create_and_read_often(&service, 30).await;
    let options = StoreOptions { database: Some(name.clone()), ..StoreOptions::default() };
    let store = Store::open(&mongo.parse().unwrap(), &options).await.unwrap();
    until("they are kept", || async { store.hot_ids(&name).await.unwrap().len() == 30 }).await;
    drop(service);

    let service = Service::start(&flags).await;
    until("they are loaded", || async { warmed(&service).await >= 30.0 }).await;
    assert_eq!(cache_status(&service.get("/todos/30").await), "hit");
    drop(service);

    let service = Service::start(&[&flags[..], &["--warm-ids", "0"]].concat()).await;
    assert!(cache_status(&service.get("/todos/30").await).contains("miss"));
    assert_eq!(warmed(&service).await, 0.0);
}

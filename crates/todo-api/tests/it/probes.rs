//! /livez and /readyz.

use serde_json::{Value, json};

use crate::support::{Service, embedded, header, servers, until};

#[tokio::test]
async fn a_service_with_store_and_cache_is_ready() {
    for service in [servers().await, embedded().await] {
        let ready = service.get("/readyz").await;
        assert_eq!((ready.status().as_u16(), header(&ready, "cache-control")), (200, "no-store"));
        assert_eq!(ready.json::<Value>().await.unwrap(), json!({ "status": "ready", "store": "up", "cache": "up" }));
        assert_eq!(service.get("/livez").await.status(), 200);
    }
}

#[tokio::test]
async fn a_service_without_a_cache_is_ready_too() {
    let service = Service::start(&["--cache", "none:"]).await;
    let ready: Value = service.get("/readyz").await.json().await.unwrap();
    assert_eq!(ready, json!({ "status": "ready", "store": "up", "cache": "off" }));
}

#[tokio::test]
async fn the_auditor_tells_what_it_has_compared() {
    let service = Service::start(&["--audit-rate", "100/s"]).await;
    service.create("1").await;
    until("it has compared something", || async {
        let ready: serde_json::Value = service.get("/readyz").await.json().await.unwrap();
        assert_eq!(ready["audit"]["wrong_1s"], 0);
        ready["audit"]["compared"].as_u64().unwrap() > 0
    })
    .await;
}

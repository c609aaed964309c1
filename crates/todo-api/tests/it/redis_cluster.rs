//! The service over a Redis Cluster.

use reqwest::Method;
use serde_json::Value;
use test_servers::{RedisCluster, fresh_name, shared_mongo};

use crate::program::Program;
use crate::support::{Service, cache_status, header, name_of, until};

async fn cache_in_readyz(service: &Service) -> String {
    let ready: Value = service.get("/readyz").await.json().await.unwrap();
    ready["cache"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn todos_are_cached_by_the_servers_of_a_cluster_also_while_one_of_them_is_away() {
    let args = ["--cluster-require-full-coverage", "no"];
    let mut cluster = RedisCluster::start_with(3, 0, &args);
    let (store, cache, name) = (shared_mongo().url(), cluster.url(), fresh_name("shards"));
    let flags = ["--store", &store, "--cache", &cache, "--database", &name, "--cache-prefix", &name, "--l1-ttl", "1s"];
    let services = [Service::start(&flags).await, Service::start(&flags).await];
    let ids: Vec<String> = (0..12).map(|n| n.to_string()).collect();
    for id in &ids {
        services[0].create(id).await;
        until("each is a hit in the other process", || async {
            let response = services[1].get(&format!("/todos/{id}")).await;
            cache_status(&response).starts_with("hit")
        })
        .await;
    }
    assert_eq!(cache_in_readyz(&services[1]).await, "up");
    let list = services[1].get(&format!("/todos?ids={}", ids.join(","))).await;
    assert!(header(&list, "cache-status").contains("hit"), "{:?}", list.headers());

    let patch = services[0].request(Method::PATCH, "/todos/3").header("content-type", "application/merge-patch+json");
    assert_eq!(patch.body(r#"{"name":"new"}"#).send().await.unwrap().status(), 200);
    until("the L1 of the other process hears of it", || async {
        name_of(&services[1], "3").await.as_deref() == Some("new")
    })
    .await;

    cluster.node_mut(1).stop();
    until("it is noticed", || async { cache_in_readyz(&services[0]).await == "partial" }).await;
    for id in &ids {
        let response = services[0].get(&format!("/todos/{id}")).await;
        assert_eq!(response.status(), 200);
        let is_lost = cluster.owner(0, cluster.slot(&format!("{name}:{{{id}}}"))) == Some(1);
        let status = cache_status(&response);
        assert!(is_lost || status.starts_with("hit"), "{id}: {status}");
    }
    cluster.node_mut(1).restart();
    until("it is back", || async { cache_in_readyz(&services[0]).await == "up" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_names_a_server_whose_memory_is_full_and_readyz_says_so_without_its_address() {
    let cluster = RedisCluster::start(3, 0);
    let program = Program::start(&["--cache", &cluster.url(), "--redis-timeout", "10s"]);
    let service = format!("http://{}", program.address());
    let client = reqwest::Client::new();
    let ready = async || client.get(format!("{service}/readyz")).send().await.unwrap().text().await.unwrap();
    for server in 0..3 {
        cluster.ask(server, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
        cluster.ask(server, &["CONFIG", "SET", "maxmemory", "1"]);
        for id in 0..12 {
            let todo = serde_json::json!({ "name": "Ada" });
            let put = client.put(format!("{service}/todos/{id}")).json(&todo).send().await.unwrap();
            assert!(put.status().is_success(), "{put:?}");
        }
        let said = ready().await;
        assert!(said.contains("read-only") && said.contains("OOM") && !said.contains("127.0.0.1"), "{said}");
        let name = format!("\"server\":\"127.0.0.1:{}\"", cluster.node(server).port());
        program.wait_for_log_line(&["Redis refuses commands", &name]);
        cluster.ask(server, &["CONFIG", "SET", "maxmemory", "0"]);
        until("it is ready without a request", || async { ready().await.contains("\"cache\":\"up\"") }).await;
        program.wait_for_log_line(&["Redis takes commands again", &name]);
    }
}

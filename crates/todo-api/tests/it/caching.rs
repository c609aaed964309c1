//! What is answered from the cache, and how often the store is read.

use reqwest::Method;

use crate::support::{Service, cache_status, detail, embedded, header, servers, until};

#[tokio::test]
async fn a_missing_id_is_looked_up_once_and_then_known_to_be_absent() {
    for service in [servers().await, embedded().await] {
        assert_eq!(service.get("/todos/1").await.status(), 404);
        let reads = service.todos.store_reads();
        assert_eq!(reads, 1);
        let again = service.get("/todos/1").await;
        assert_eq!((cache_status(&again).as_str(), service.todos.store_reads()), ("hit; detail=absent", 1));
    }
}

#[tokio::test]
async fn a_todo_that_the_cache_does_not_know_is_a_miss_then_a_hit() {
    let mongo = test_servers::shared_mongo().url();
    let name = test_servers::fresh_name("cold");
    let flags = ["--store", &mongo, "--database", &name, "--cache-prefix", &name];
    let redis = test_servers::shared_redis().url();
    let writer = Service::start(&[&flags[..], &["--cache", "none:"]].concat()).await;
    let service = Service::start(&[&flags[..], &["--cache", &redis]].concat()).await;
    writer.create("1").await;
    let first = service.get("/todos/1").await;
    assert_eq!(cache_status(&first), "fwd=miss; stored");
    let second = service.get("/todos/1").await;
    assert_eq!(cache_status(&second), "hit");
    assert_eq!(header(&first, "etag"), header(&second, "etag"));
    assert_eq!(first.text().await.unwrap(), second.text().await.unwrap());
    assert_eq!(service.todos.store_reads(), 1);
}

/// Seconds for which the answer says to be fresh.
async fn fresh_for(flags: &[&str]) -> i64 {
    let (mongo, redis) = (test_servers::shared_mongo().url(), test_servers::shared_redis().url());
    let name = test_servers::fresh_name("fresh");
    let servers = ["--store", &mongo, "--cache", &redis, "--database", &name, "--cache-prefix", &name];
    let service = Service::start(&[&servers[..], flags].concat()).await;
    service.create("1").await;
    until("its change stream is live, or there is none", async || service.todos.stats().change_stream.live).await;
    let answer = service.get("/todos/1").await;
    let ttl = header(&answer, "cache-status").split("ttl=").nth(1).unwrap_or_else(|| panic!("{answer:?}"));
    ttl.split(';').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_todo_is_fresh_for_ten_minutes_while_the_change_stream_is_live_and_for_one_without_it() {
    for (flags, seconds) in [
        (&[][..], 480..=660),
        (&["--fresh-live", "30m"], 1_560..=1_980),
        (&["--fresh", "1h"], 3_180..=3_960),
        (&["--change-stream", "off"], 0..=66),
    ] {
        let ttl = fresh_for(flags).await;
        assert!(seconds.contains(&ttl), "{flags:?}: {ttl}");
    }
}

#[tokio::test]
async fn the_first_read_after_a_create_is_a_hit() {
    for service in [servers().await, embedded().await] {
        service.create("1").await;
        let response = service.get("/todos/1").await;
        assert_eq!((cache_status(&response).as_str(), service.todos.store_reads()), ("hit", 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_concurrent_first_reads_of_one_id_make_one_store_read() {
    let mongo = test_servers::shared_mongo().url();
    let redis = test_servers::shared_redis().url();
    let name = test_servers::fresh_name("herd");
    let flags = ["--store", &mongo, "--database", &name, "--cache-prefix", &name];
    Service::start(&[&flags[..], &["--cache", "none:"]].concat()).await.create("1").await;
    let service = std::sync::Arc::new(Service::start(&[&flags[..], &["--cache", &redis]].concat()).await);
    let readers: Vec<_> = (0..200)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { service.get("/todos/1").await.text().await.unwrap() })
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), r#"{"id":"1","name":"A","description":"B"}"#);
    }
    assert_eq!(service.todos.store_reads(), 1);
}

#[tokio::test]
async fn a_client_may_ask_past_the_cache_or_only_the_cache() {
    let service = servers().await;
    let ask = async |directive: &str| {
        service.request(Method::GET, "/todos/1").header("cache-control", directive).send().await.unwrap()
    };
    assert!(detail(ask("only-if-cached").await, 504).await.contains("cache"));
    assert_eq!(service.todos.store_reads(), 0);
    service.create("1").await;
    assert_eq!(cache_status(&ask("max-age=60, ONLY-IF-CACHED").await), "hit");
    assert_eq!(cache_status(&ask("no-cache").await), "fwd=miss; stored");
    assert_eq!(service.todos.store_reads(), 1);
}

#[tokio::test]
async fn a_version_that_is_not_there_yet_is_503() {
    let service = servers().await;
    service.create("1").await;
    let tag = header(&service.get("/todos/1").await, "etag").to_owned();
    let version: u64 = tag.trim_matches('"').split('-').next().unwrap().parse().unwrap();
    let ask = async |version: &str| {
        service.request(Method::GET, "/todos/1").header("min-version", version).send().await.unwrap()
    };
    assert_eq!(ask(&version.to_string()).await.status(), 200);
    let later = ask(&(version + 1).to_string()).await;
    assert_eq!(header(&later, "retry-after"), "1");
    detail(later, 503).await;
    assert!(detail(ask("soon").await, 400).await.contains("Min-Version"));
}

#[tokio::test]
async fn without_a_cache_every_read_says_so() {
    let service = Service::start(&["--cache", "none:"]).await;
    service.create("1").await;
    for reads in 1..=2 {
        assert_eq!(cache_status(&service.get("/todos/1").await), "fwd=bypass; detail=cache-off");
        assert_eq!(service.todos.store_reads(), reads);
    }
}

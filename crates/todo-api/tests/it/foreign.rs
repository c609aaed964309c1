//! What is written past the cache is answered within a moment: the change stream tells.

use reqwest::Method;
use test_servers::{MongoServer, fresh_name, shared_mongo, shared_redis};
use todo_store::{Store, StoreOptions};

use crate::support::{Service, cache_status, name_of, until};

async fn rename(service: &Service, id: &str, name: &str) {
    let request = service.request(Method::PATCH, &format!("/todos/{id}")).header("content-type", "application/json");
    let response = request.body(format!(r#"{{"name":"{name}"}}"#)).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

/// Creates, changes, deletes and drops past the cache of `reader`, and waits until it answers so.
async fn reader_notices(reader: &Service, writer: &Service, store: &Store) {
    assert_eq!(name_of(reader, "1").await, None);
    writer.create("1").await;
    until("the todo is there", || async { name_of(reader, "1").await.as_deref() == Some("A") }).await;
    rename(writer, "1", "new").await;
    until("the new name is answered", || async { name_of(reader, "1").await.as_deref() == Some("new") }).await;
    until("it is cached again", || async { cache_status(&reader.get("/todos/1").await) == "hit" }).await;
    assert_eq!(writer.request(Method::DELETE, "/todos/1").send().await.unwrap().status(), 204);
    until("it is gone", || async { name_of(reader, "1").await.is_none() }).await;
    writer.create("2").await;
    until("the other is there", || async { name_of(reader, "2").await.is_some() }).await;
    store.clear().await.unwrap();
    until("all are gone", || async { name_of(reader, "2").await.is_none() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_notices_what_a_writer_without_its_cache_does() {
    for l1 in ["0s", "1s"] {
        let (mongo, redis, name) = (shared_mongo().url(), shared_redis().url(), fresh_name("foreign"));
        let flags = ["--store", &mongo, "--database", &name, "--cache-prefix", &name, "--l1-ttl", l1];
        let with = async |cache: &str| Service::start(&[&flags[..], &["--cache", cache]].concat()).await;
        let options = StoreOptions { database: Some(name.clone()), ..StoreOptions::default() };
        let store = Store::open(&mongo.parse().unwrap(), &options).await.unwrap();
        reader_notices(&with(&redis).await, &with("none:").await, &store).await;
        reader_notices(&with("memory:").await, &with("none:").await, &store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_do_not_tell_the_cache_are_noticed_in_the_embedded_store_too() {
    let service = Service::start(&["--write-policy", "none"]).await;
    service.create("1").await;
    assert_eq!(name_of(&service, "1").await.as_deref(), Some("A"));
    rename(&service, "1", "new").await;
    until("the new name is answered", || async { name_of(&service, "1").await.as_deref() == Some("new") }).await;
    assert_eq!(service.request(Method::DELETE, "/todos/1").send().await.unwrap().status(), 204);
    until("it is gone", || async { name_of(&service, "1").await.is_none() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mongodb_without_a_change_stream_works_within_the_fresh_time() {
    let (mongo, redis, name) = (MongoServer::start_standalone(), shared_redis().url(), fresh_name("standalone"));
    let url = mongo.url();
    let flags = ["--store", &url, "--database", &name, "--cache-prefix", &name];
    let reader = Service::start(&[&flags[..], &["--cache", &redis, "--fresh", "1s"]].concat()).await;
    let writer = Service::start(&[&flags[..], &["--cache", "none:"]].concat()).await;
    writer.create("1").await;
    assert_eq!(name_of(&reader, "1").await.as_deref(), Some("A"));
    assert_eq!(cache_status(&reader.get("/todos/1").await), "hit", "cells are valid though no change stream is live");
    rename(&writer, "1", "new").await;
    until("the new name is answered", || async { name_of(&reader, "1").await.as_deref() == Some("new") }).await;
}

//! Versions ahead of the server's clock, as in a backup of a server whose clock was ahead: no answer depends on them.

use std::time::{Duration, SystemTime};

use mongodb::Collection;
use mongodb::bson::{Document, doc};
use reqwest::Method;
use test_servers::{fresh_name, shared_mongo, shared_redis};
use todo_model::Version;

use crate::support::{Service, cache_status, name_of, until};

struct Setup {
    services: Vec<Service>,
    todos: Collection<Document>,
}

/// Two services over one store and one cache.
async fn setup(change_stream: &str) -> Setup {
    let (mongo, redis, name) = (shared_mongo().url(), shared_redis().url(), fresh_name("ahead"));
    let flags = ["--store", &mongo, "--database", &name, "--cache-prefix", &name, "--cache", &redis];
    let flags = [&flags[..], &["--change-stream", change_stream]].concat();
    let services = vec![Service::start(&flags).await, Service::start(&flags).await];
    let client = mongodb::Client::with_uri_str(&mongo).await.unwrap();
    Setup { services, todos: client.database(&name).collection("todos") }
}

/// A document from another server, cached as it is.
async fn restored(setup: &Setup, id: &str, ahead: Duration) {
    let v = Version::at(SystemTime::now() + ahead).0 as i64;
    setup.todos.insert_one(doc! { "_id": id, "id": id, "name": "restored", "v": v }).await.unwrap();
    // The change stream may still tell of the insert.
    until("it is cached", async || {
        setup.services[0].get(&format!("/todos/{id}")).await;
        cache_status(&setup.services[1].get(&format!("/todos/{id}")).await) == "hit"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_after_a_todo_whose_version_was_ahead_is_never_404() {
    for change_stream in ["on", "off"] {
        let setup = setup(change_stream).await;
        for (round, ahead) in [3_600, 10, 3_600, 2].into_iter().enumerate() {
            for deleted_by in ["us", "others", "others, and noticed"] {
                let id = format!("{round} {}", deleted_by.len());
                restored(&setup, &id, Duration::from_secs(ahead)).await;
                let path = format!("/todos/{id}");
                if deleted_by == "us" {
                    let deleted = setup.services[0].request(Method::DELETE, &path).send().await.unwrap();
                    assert_eq!(deleted.status(), 204);
                } else {
                    setup.todos.delete_one(doc! { "id": &id }).await.unwrap();
                }
                if deleted_by == "others, and noticed" && change_stream == "on" {
                    until("it is gone", async || name_of(&setup.services[1], &id).await.is_none()).await;
                }
                setup.services[0].create(&id).await;
                for _ in 0..20 {
                    for service in &setup.services {
                        let name = name_of(service, &id).await;
                        assert_eq!(name.as_deref(), Some("A"), "{ahead} s ahead, deleted by {deleted_by}");
                    }
                }
                until("it is cached", async || cache_status(&setup.services[1].get(&path).await) == "hit").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_update_of_a_todo_whose_version_was_ahead_is_seen_by_every_reader() {
    for change_stream in ["on", "off"] {
        let setup = setup(change_stream).await;
        for (round, ahead) in [3_600, 10, 2].into_iter().enumerate() {
            let id = format!("{round}");
            restored(&setup, &id, Duration::from_secs(ahead)).await;
            for name in ["first", "second"] {
                let request = setup.services[0].request(Method::PATCH, &format!("/todos/{id}"));
                let request = request.header("content-type", "application/json");
                let response = request.body(format!(r#"{{"name":"{name}"}}"#)).send().await.unwrap();
                assert_eq!(response.status(), 200);
                for service in &setup.services {
                    assert_eq!(name_of(service, &id).await.as_deref(), Some(name), "{ahead} s ahead");
                }
            }
            let stored = setup.todos.find_one(doc! { "id": &id }).await.unwrap().unwrap();
            let (v, now) = (stored.get_i64("v").unwrap() as u64, Version::at(SystemTime::now()).0);
            assert!(v <= now + 2 * Version::PER_SECOND, "{ahead} s ahead, and still {}", v - now);
        }
    }
}

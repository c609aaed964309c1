//! A collection that takes the place of ours in one stroke, as a nightly job does it.

use mongodb::bson::{Document, doc};
use mongodb::options::Hint;
use test_servers::{fresh_name, shared_mongo, shared_redis};

use crate::support::{Service, cache_status, name_of, until};

const IDS: usize = 300;

/// `$out`, and `renameCollection` with `dropTarget`: none of the documents has a version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "until cells of before the validity moment are no floors any more"]
async fn after_a_collection_was_swapped_every_todo_is_read_anew_once_and_cached_again() {
    for way in ["$out", "rename"] {
        let (mongo, redis, name) = (shared_mongo().url(), shared_redis().url(), fresh_name("swapped"));
        let client = mongodb::Client::with_uri_str(&mongo).await.unwrap();
        let database = client.database(&name);
        let flags = ["--store", &mongo, "--database", &name, "--cache-prefix", &name, "--cache", &redis];
        let service = Service::start(&flags).await;
        // Cells with versions, which are floors for what comes.
        for id in 0..IDS {
            service.create(&id.to_string()).await;
        }
        let new = (0..IDS).map(|id| doc! { "_id": id.to_string(), "id": id.to_string(), "name": "swapped" });
        database.collection::<Document>("new").insert_many(new).await.unwrap();
        if way == "$out" {
            database.collection::<Document>("new").aggregate([doc! { "$out": "todos" }]).await.unwrap();
        } else {
            let (from, to) = (format!("{name}.new"), format!("{name}.todos"));
            let rename = doc! { "renameCollection": from, "to": to, "dropTarget": true };
            client.database("admin").run_command(rename).await.unwrap();
        }
        until("the new names are answered", async || name_of(&service, "0").await.as_deref() == Some("swapped")).await;
        let todos = database.collection::<Document>("todos");
        until("reads have their index", async || {
            todos.find_one(doc! {}).hint(Hint::Keys(doc! { "id": 1 })).await.is_ok()
        })
        .await;
        // The moment from which on cells are valid lies a little ahead.
        until("it is cached again", async || cache_status(&service.get("/todos/0").await) == "hit").await;
        let before = service.todos.store_reads();
        let mut hits = 0;
        for round in 0..3 {
            for id in 0..IDS {
                let response = service.get(&format!("/todos/{id}")).await;
                hits += usize::from(cache_status(&response) == "hit");
                let todo: serde_json::Value = response.json().await.unwrap();
                assert_eq!(todo["name"], "swapped", "{way}, round {round}, {id}");
            }
        }
        let loads = service.todos.store_reads() - before;
        assert!(loads <= IDS as u64, "{way}: {loads} loads of {IDS} todos");
        assert!(hits >= 2 * IDS, "{way}: {hits} hits");
    }
}

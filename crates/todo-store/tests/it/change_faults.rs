//! Change streams that break, and collections that others put in the place of ours.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use test_servers::{Hole, MongoServer, Proxy, fresh_name, shared_mongo, until};
use todo_store::{Change, Precondition, Store, StoreOptions};

use crate::support::{id, mongo_url, options, todo};
use crate::watcher::{Watcher, foreign, has_index, has_pre_images, touched, written};

/// MongoDB manual, "Error Codes": the place in the stream is not in the server's log any more.
const HISTORY_LOST: i32 = 286;

/// Nobody writes afterwards: readers need the index all the same.
#[tokio::test]
async fn a_collection_that_takes_the_place_of_ours_gets_the_index_at_once() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    let (client, name) = (documents.client().clone(), documents.namespace().to_string());
    let database = client.database(options.database.as_deref().unwrap());
    let mut watcher = Watcher::of(&store, None).await;
    for key in [Bson::from("1"), ObjectId::new().into()] {
        let other = fresh_name("other");
        database.collection(&other).insert_one(doc! { "_id": &key, "id": "1", "name": "A" }).await.unwrap();
        let rename =
            doc! { "renameCollection": format!("{}.{other}", database.name()), "to": &name, "dropTarget": true };
        client.database("admin").run_command(rename).await.unwrap();
        assert_eq!(watcher.next().await, Change::Unknown);
        watcher.nothing().await;
        until("the index on id is made", || async { has_index(&documents).await }).await;
        assert_eq!(has_pre_images(&documents, database.name()).await, key.as_str().is_none(), "_id {key}");
    }
    database.collection("others").insert_many([doc! { "_id": "2", "id": "2", "name": "A" }]).await.unwrap();
    let out = [doc! { "$out": documents.name() }];
    database.collection::<Document>("others").aggregate(out).await.unwrap();
    assert_eq!(watcher.next().await, Change::Unknown);
    until("the index on id is there", || async { has_index(&documents).await }).await;
}

#[tokio::test]
async fn who_drops_the_collection_finds_it_gone_and_may_rename_another_to_its_name() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    let mut watcher = Watcher::of(&store, None).await;
    documents.drop().await.unwrap();
    assert_eq!(watcher.next().await, Change::Unknown);
    watcher.nothing().await;
    let database = documents.client().database(options.database.as_deref().unwrap());
    assert!(!database.list_collection_names().await.unwrap().contains(&options.collection));
}

/// Makes a black hole of each connection that waits for changes now; whether there was one. Later ones are not touched.
fn black_hole_of_changes(proxy: &Proxy) -> bool {
    let waiting = proxy.connections().into_iter().filter(|traffic| traffic.is_asking("getMore"));
    let waiting: Vec<usize> = waiting.map(|traffic| traffic.number).collect();
    let found = !waiting.is_empty();
    proxy.black_hole_where(Hole::Both, move |traffic| waiting.contains(&traffic.number));
    found
}

/// A firewall forgot the connection: nothing comes any more, and nobody says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_died_unnoticed_is_left_for_another_one() {
    let proxy = Proxy::to(shared_mongo().port());
    let url = format!("mongodb://127.0.0.1:{}/?directConnection=true", proxy.port());
    let store = Store::open(&url.parse().unwrap(), &options()).await.unwrap();
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    for round in ["one", "two"] {
        until("the server is asked for changes", || async { black_hole_of_changes(&proxy) }).await;
        let version = store.replace(&todo(round), &Precondition::None).await.unwrap().version;
        assert_eq!(watcher.next().await, written("1", version), "{round}");
        watcher.changes.save().await.unwrap();
    }
}

/// Whether the server says so when the watch begins, or when it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_the_server_does_not_know_any_more_is_given_up() {
    let server = MongoServer::start_with(&["--setParameter", "enableTestCommands=1"]);
    let admin = Client::with_uri_str(server.url()).await.unwrap().database("admin");
    let store = Store::open(&server.url().parse().unwrap(), &options()).await.unwrap();
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    store.create(&todo("one")).await.unwrap();
    watcher.next().await;
    watcher.changes.save().await.unwrap();
    drop(watcher);
    let lose_history = async |command: &str| {
        let fail = doc! { "failCommands": [command], "errorCode": HISTORY_LOST };
        let set = doc! { "configureFailPoint": "failCommand", "mode": { "times": 1 }, "data": fail };
        admin.run_command(set).await.unwrap();
    };

    lose_history("aggregate").await;
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    assert!(!watcher.changes.is_complete());
    let replaced = store.replace(&todo("two"), &Precondition::None).await.unwrap().version;
    assert_eq!(watcher.next().await, written("1", replaced));
    watcher.changes.save().await.unwrap();

    lose_history("getMore").await;
    // What was read ahead comes first.
    while watcher.changes.next().await.is_ok() {}
    assert!(!Watcher::of(&store, Some("cells")).await.changes.is_complete());
}

/// As after an upgrade of the server, or by a hand that meant well.
#[tokio::test]
async fn a_place_of_which_the_server_makes_nothing_is_given_up_too() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    watcher.changes.save().await.unwrap();
    let database = documents.client().database(options.database.as_deref().unwrap());
    let points = database.collection::<Document>(&format!("{}.change_stream", options.collection));
    for token in [doc! { "_data": "nonsense" }, doc! { "_data": 7 }, doc! { "other": 1 }, doc! { "_data": "8200" }] {
        points.update_one(doc! { "_id": "cells" }, doc! { "$set": { "token": &token } }).await.unwrap();
        let mut watcher = Watcher::of(&store, Some("cells")).await;
        assert!(!watcher.changes.is_complete(), "{token}");
        let version = store.replace(&todo("one"), &Precondition::None).await.unwrap().version;
        assert_eq!(watcher.next().await, written("1", version), "{token}");
        watcher.changes.save().await.unwrap();
        assert!(Watcher::of(&store, Some("cells")).await.changes.is_complete(), "{token}");
    }
}

#[tokio::test]
async fn a_place_behind_a_drop_is_one_to_go_on_from() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    store.create(&todo("one")).await.unwrap();
    documents.drop().await.unwrap();
    while watcher.next().await != Change::Unknown {}
    watcher.changes.save().await.unwrap();
    drop(watcher);
    documents.insert_one(doc! { "_id": "1", "id": "1", "name": "anew" }).await.unwrap();
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    assert!(watcher.changes.is_complete());
    while watcher.next().await != touched("1") {}
    until("the index on id is made", || async { has_index(&documents).await }).await;
}

/// Beside its pre-image an event about such a document would be larger than MongoDB lets anything be.
#[tokio::test]
async fn documents_as_large_as_can_be_are_told_of() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    documents.insert_one(doc! { "_id": ObjectId::new(), "id": "0", "name": "asks for pre-images" }).await.unwrap();
    let mut watcher = Watcher::of(&store, None).await;
    let large = |byte: &str| doc! { "_id": "1", "id": "1", "name": byte.repeat((16 << 20) - 200) };
    documents.insert_one(large("a")).await.unwrap();
    assert_eq!(watcher.next().await, touched("1"));
    documents.replace_one(doc! { "_id": "1" }, large("b")).await.unwrap();
    assert_eq!(watcher.next().await, touched("1"));
    documents.update_one(doc! { "_id": "1" }, doc! { "$set": { "name": "c".repeat(16_000_000) } }).await.unwrap();
    assert_eq!(watcher.next().await, touched("1"));
    documents.delete_one(doc! { "_id": "1" }).await.unwrap();
    assert_eq!(watcher.next().await, Change::Deleted { id: id("1") });
}

/// As an administrator does it who looks for what runs long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_whose_cursor_was_killed_goes_on_or_is_opened_again_where_it_was() {
    let server = MongoServer::start();
    let store = Store::open(&server.url().parse().unwrap(), &options()).await.unwrap();
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    watcher.nothing().await;
    watcher.changes.save().await.unwrap();
    server.run_command("admin", doc! { "killAllSessions": [] });
    let version = store.replace(&todo("one"), &Precondition::None).await.unwrap().version;
    loop {
        match watcher.changes.next().await {
            Ok(None) => {}
            Ok(Some(change)) => break assert!(change == written("1", version) || change == touched("1"), "{change:?}"),
            Err(_) => {
                watcher = Watcher::of(&store, Some("cells")).await;
                assert!(watcher.changes.is_complete());
            }
        }
    }
}

/// It looks through all that was written behind the place, for hours that may be much.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_its_time_to_find_the_first_change_is_waited_for() {
    let server = MongoServer::start_with(&["--setParameter", "enableTestCommands=1"]);
    let admin = Client::with_uri_str(server.url()).await.unwrap().database("admin");
    let hurried = StoreOptions { timeout: Duration::from_secs(3), ..options() };
    let store = Store::open(&server.url().parse().unwrap(), &hurried).await.unwrap();
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    watcher.changes.save().await.unwrap();
    let slow = async |command: &str, times: u32, ms: u32| {
        let block = doc! { "failCommands": [command], "blockConnection": true, "blockTimeMS": ms };
        let set = doc! { "configureFailPoint": "failCommand", "mode": { "times": times }, "data": block };
        admin.run_command(set).await.unwrap();
    };
    slow("aggregate", 1, 6_000).await;
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    assert!(watcher.changes.is_complete());
    slow("getMore", 3, 4_000).await;
    let version = store.replace(&todo("one"), &Precondition::None).await.unwrap().version;
    assert_eq!(watcher.next().await, written("1", version));
}

//! Whoever watches is told of every write, also of those by programs that know nothing of versions.

use std::time::{Duration, Instant, SystemTime};

use mongodb::bson::{doc, oid::ObjectId};
use test_servers::{MongoServer, shared_mongo, until};
use todo_model::{TodoPatch, Version};
use todo_store::{Change, Precondition, Store};

use crate::support::{embedded, id, mongo_url, options, todo};
use crate::watcher::{Watcher, deleted, foreign, has_index, has_pre_images, touched, written};

async fn own_writes_tell_their_versions(store: Store) {
    let mut watcher = Watcher::of(&store, None).await;
    let created = store.create(&todo("one")).await.unwrap();
    assert_eq!(watcher.next().await, written("1", created));
    // As short as it is, the server logs it as a replacement.
    let replaced = store.replace(&todo("two"), &Precondition::None).await.unwrap().version;
    assert_eq!(watcher.next().await, written("1", replaced));
    store.delete(&id("1"), &Precondition::None).await.unwrap();
    assert_eq!(watcher.next().await, deleted("1"));
    let again = store.create(&todo("one")).await.unwrap();
    assert_eq!(watcher.next().await, written("1", again));
    watcher.nothing().await;
}

#[tokio::test]
async fn own_writes_to_mongodb_tell_their_versions() {
    own_writes_tell_their_versions(Store::open(&mongo_url(), &options()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_writes_to_the_embedded_store_tell_their_versions() {
    own_writes_tell_their_versions(embedded().await.store.clone()).await;
}

#[tokio::test]
async fn writers_that_know_nothing_of_versions_are_noticed() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    let version = store.create(&todo("one")).await.unwrap();
    let mut watcher = Watcher::of(&store, None).await;

    documents.update_one(doc! { "id": "1" }, doc! { "$set": { "name": "update" } }).await.unwrap();
    assert_eq!(watcher.next().await, touched("1"));
    let mut copy = documents.find_one(doc! { "id": "1" }).await.unwrap().unwrap();
    copy.insert("name", "a replacement with the version copied");
    documents.replace_one(doc! { "id": "1" }, &copy).await.unwrap();
    assert_eq!(watcher.next().await, touched("1"));
    documents.replace_one(doc! { "id": "1" }, doc! { "id": "1", "name": "without a version" }).await.unwrap();
    assert_eq!(watcher.next().await, touched("1"));
    documents.delete_one(doc! { "id": "1" }).await.unwrap();
    assert_eq!(watcher.next().await, deleted("1"));
    let ahead = Version::at(SystemTime::now() + Duration::from_secs(3_600));
    for v in [version, ahead, Version::MAX] {
        documents.delete_one(doc! { "id": "1" }).await.unwrap();
        documents.insert_one(doc! { "_id": "1", "id": "1", "name": "restored", "v": v.0 as i64 }).await.unwrap();
        while watcher.next().await != touched("1") {}
    }
    let patch = TodoPatch { name: Some("ours".to_owned()), ..TodoPatch::default() };
    let patched = store.patch(&id("1"), &patch, &Precondition::None).await.unwrap().version;
    assert_eq!(watcher.next().await, written("1", patched), "what was ahead is forgotten");
    watcher.nothing().await;
}

#[tokio::test]
async fn deletes_of_documents_whose_key_is_not_their_id_say_of_what() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    documents.insert_one(doc! { "_id": ObjectId::new(), "id": "1", "name": "A" }).await.unwrap();
    let mut watcher = Watcher::of(&store, None).await;
    let many = (0..3).map(|n| doc! { "_id": format!("key-{n}"), "id": format!("{n}-id"), "name": "A" });
    documents.insert_many(many).await.unwrap();
    for n in 0..3 {
        assert_eq!(watcher.next().await, touched(&format!("{n}-id")));
        assert_eq!(watcher.next().await, touched(&format!("key-{n}")), "it may have been an id");
    }
    documents.update_one(doc! { "id": "1" }, doc! { "$set": { "id": "2" } }).await.unwrap();
    assert_eq!(watcher.next().await, touched("2"));
    assert_eq!(watcher.next().await, touched("1"), "what lost its id is not there any more");
    documents.delete_many(doc! {}).await.unwrap();
    let mut gone = vec![];
    for _ in 0..7 {
        gone.push(watcher.next().await);
    }
    for name in ["2", "0-id", "1-id", "2-id"] {
        assert!(gone.contains(&deleted(name)), "{name} was deleted: {gone:?}");
    }
    watcher.nothing().await;

    documents.drop().await.unwrap();
    assert_eq!(watcher.next().await, Change::Unknown);
    documents.insert_one(doc! { "_id": ObjectId::new(), "id": "1", "name": "anew" }).await.unwrap();
    assert_eq!(watcher.next().await, touched("1"));
    documents.delete_one(doc! { "id": "1" }).await.unwrap();
    assert_eq!(watcher.next().await, deleted("1"), "also where the collection was made anew");
}

#[tokio::test]
async fn a_drop_is_everything_and_what_comes_after_it_is_told() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    store.create(&todo("one")).await.unwrap();
    let mut watcher = Watcher::of(&store, None).await;
    for turn in 0..2 {
        documents.drop().await.unwrap();
        assert_eq!(watcher.next().await, Change::Unknown);
        documents.insert_one(doc! { "_id": "1", "id": "1", "name": "anew" }).await.unwrap();
        assert_eq!(watcher.next().await, touched("1"));
        until("the index on id is made again", || async { has_index(&documents).await }).await;
        let twice = documents.insert_one(doc! { "_id": "2", "id": "1", "name": "anew" }).await;
        assert!(twice.is_err(), "drop {turn}");
    }
}

#[tokio::test]
async fn our_own_writes_need_no_pre_images() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    let mut watcher = Watcher::of(&store, None).await;
    // Gone before it can be looked at.
    store.create(&todo("one")).await.unwrap();
    store.replace(&todo("two, which is longer than what was there before"), &Precondition::None).await.unwrap();
    let patch = TodoPatch { name: Some("three".to_owned()), ..TodoPatch::default() };
    let last = store.patch(&id("1"), &patch, &Precondition::None).await.unwrap().version;
    store.delete(&id("1"), &Precondition::None).await.unwrap();
    let mut told = vec![];
    while told.last() != Some(&deleted("1")) {
        told.push(watcher.next().await);
    }
    let about_it = |change: &Change| {
        *change == touched("1")
            || matches!(change, Change::Written { id: of, version } if *of == id("1") && *version <= last)
    };
    assert!(told[..told.len() - 1].iter().all(about_it), "{told:?}");
    assert!(!has_pre_images(&documents, options.database.as_deref().unwrap()).await);
}

#[tokio::test]
async fn a_burst_is_told_whole_and_in_order() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    let count = 3_500;
    let many = (0..count).map(|n| doc! { "_id": format!("{n}"), "id": format!("{n}"), "name": "A" });
    documents.insert_many(many).await.unwrap();
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    documents.update_many(doc! {}, doc! { "$set": { "name": "B" } }).await.unwrap();
    let version = store.replace(&todo("after"), &Precondition::None).await.unwrap().version;
    let mut told = vec![];
    while told.last() != Some(&written("1", version)) {
        told.push(watcher.next().await);
        if told.len() == count / 2 {
            watcher.changes.save().await.unwrap();
        }
    }
    assert_eq!(told.len(), count + 1);
    assert_eq!(told.iter().filter(|change| **change == touched("7")).count(), 1);
    // Behind what was given out, not behind what was read.
    let mut second = Watcher::of(&store, Some("cells")).await;
    let told: Vec<Change> = told.drain(count / 2..).collect();
    for change in &told[..told.len() - 1] {
        assert_eq!(second.next().await, *change);
    }
}

#[tokio::test]
async fn a_watcher_goes_on_where_the_last_one_of_its_name_was_saved() {
    let store = Store::open(&mongo_url(), &options()).await.unwrap();
    let mut first = Watcher::of(&store, Some("cells")).await;
    assert!(!first.changes.is_complete(), "nobody of that name watched before");
    let one = store.create(&todo("one")).await.unwrap();
    assert_eq!(first.next().await, written("1", one));
    first.changes.save().await.unwrap();
    store.replace(&todo("two"), &Precondition::None).await.unwrap();
    drop(first);
    store.replace(&todo("three"), &Precondition::None).await.unwrap();

    let mut second = Watcher::of(&store, Some("cells")).await;
    assert!(second.changes.is_complete());
    // Whether these versions were copied from writes that only the first has seen cannot be told.
    assert_eq!(second.next().await, touched("1"));
    assert_eq!(second.next().await, touched("1"));
    second.nothing().await;
    assert!(!Watcher::of(&store, Some("others")).await.changes.is_complete());
}

/// A new primary may have answered reads from before writes that the old one acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_election_takes_back_what_was_read_meanwhile() {
    let mut server = MongoServer::start();
    let store = Store::open(&server.url().parse().unwrap(), &options()).await.unwrap();
    let mut watcher = Watcher::of(&store, Some("cells")).await;
    watcher.nothing().await;
    watcher.changes.save().await.unwrap();
    server.restart();
    let mut told = None;
    let began = Instant::now();
    while told != Some(Change::Unknown) {
        assert!(began.elapsed() < Duration::from_secs(180), "nothing was taken back");
        match watcher.changes.next().await {
            Ok(change) => told = change,
            // Not there yet, or the watch did not survive: the next one knows the election of before.
            Err(_) => match store.changes(Some("cells")).await {
                Ok(changes) => watcher.changes = changes,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    let version = store.create(&todo("one")).await.unwrap();
    // A watch that did not survive may say so only now.
    loop {
        match watcher.changes.next().await {
            Ok(Some(change)) if change == written("1", version) || change == touched("1") => break,
            Ok(_) => assert!(began.elapsed() < Duration::from_secs(90), "nothing was told"),
            Err(_) => watcher = Watcher::of(&store, Some("cells")).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_no_replica_set_does_not_tell() {
    let server = MongoServer::start_standalone();
    let store = Store::open(&server.url().parse().unwrap(), &options()).await.unwrap();
    assert!(!store.has_changes());
    assert!(store.changes(None).await.is_err());
}

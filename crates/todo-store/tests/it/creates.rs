//! Creates in MongoDB: under ids of the client's, and under new ones.

use std::time::{Duration, Instant};

use mongodb::bson::doc;
use test_servers::{lateness, shared_mongo};
use todo_model::{Todo, TodoPatch, Version};
use todo_store::{Precondition, Store, StoreError};

use crate::faults::{Faults, ONE_AT_A_TIME};
use crate::support::{id, mongo_url, options, todo};
use crate::watcher::{Watcher, foreign, written};

#[tokio::test]
async fn a_create_that_was_given_up_keeps_nobody_from_the_id_and_is_not_made_up_for_later() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let faults = Faults::new(Duration::from_secs(1)).await;
    let other = faults.other().await;
    // The server runs it when nobody waits for it any more.
    faults.next(1, "findAndModify", doc! { "blockConnection": true, "blockTimeMS": 2_500 }).await;
    let given_up = faults.store.create(&todo("given up")).await;
    assert!(matches!(given_up, Err(StoreError::Unavailable(_))), "its commit was not begun: {given_up:?}");
    tokio::time::sleep(Duration::from_millis(2_500)).await;

    let began = Instant::now();
    while let Err(error) = other.create(&todo("another")).await {
        assert!(began.elapsed() < Duration::from_secs(30) + lateness(), "the id is still kept from others: {error:?}");
    }
    assert_eq!(other.find(&id("1")).await.unwrap().unwrap().todo, todo("another"));
}

#[tokio::test]
async fn a_todo_under_a_new_id_has_a_version_that_is_told_and_rises() {
    let store = Store::open(&mongo_url(), &options()).await.unwrap();
    let mut watcher = Watcher::of(&store, None).await;
    for name in ["a", "b", "c"] {
        let new = Todo { id: id(name), ..todo("new") };
        let version = store.create_under_new_id(&new).await.unwrap();
        assert!(version > Version::UNVERSIONED);
        assert_eq!(watcher.next().await, written(name, version), "and not as a copy of something old");
        assert_eq!(store.find(&new.id).await.unwrap().unwrap().version, version);
        let patch = TodoPatch { name: Some("newer".to_owned()), ..TodoPatch::default() };
        let patched = store.patch(&new.id, &patch, &Precondition::None).await.unwrap().version;
        assert!(patched > version, "{name}: {patched:?} after {version:?}");
        assert_eq!(watcher.next().await, written(name, patched));
        let deleted = store.delete(&new.id, &Precondition::None).await.unwrap();
        let again = store.create(&new).await.unwrap();
        assert!(again > deleted && deleted > patched, "{name}: {again:?} after {deleted:?} after {patched:?}");
        watcher.next().await;
        watcher.next().await;
    }
}

#[tokio::test]
async fn a_document_whose_id_is_a_list_is_no_todo_and_stays_as_it_is() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(shared_mongo(), &options).await;
    let list = doc! { "_id": 7, "id": ["1", "2"], "name": "of another program" };
    documents.insert_one(&list).await.unwrap();
    let patch = TodoPatch { name: Some("newer".to_owned()), ..TodoPatch::default() };
    let found = store.find(&id("1")).await;
    assert!(matches!(found, Err(StoreError::NotATodo { .. })), "{found:?}");
    let replaced = store.replace(&todo("ours"), &Precondition::None).await;
    assert!(matches!(replaced, Err(StoreError::NotATodo { .. })), "{replaced:?}");
    let patched = store.patch(&id("1"), &patch, &Precondition::None).await;
    assert!(matches!(patched, Err(StoreError::NotFound(_))), "{patched:?}");
    let deleted = store.delete(&id("1"), &Precondition::None).await;
    assert!(matches!(deleted, Err(StoreError::NotFound(_))), "{deleted:?}");
    assert_eq!(documents.find_one(doc! {}).await.unwrap(), Some(list));
}

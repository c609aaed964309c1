//! A whole store replaced: who watches is told, versions never come twice, and the old is there until the new is.

use std::time::{Duration, Instant};

use mongodb::bson::{oid::ObjectId, rawdoc};
use todo_store::raw::Documents;
use todo_store::{Change, Changes, Precondition, Replacement, Store, StoreUrl};

use crate::support::{id, mongo_url, options, todo};

async fn next(changes: &mut Changes) -> Change {
    let began = Instant::now();
    loop {
        if let Some(change) = changes.next().await.unwrap() {
            return change;
        }
        assert!(began.elapsed() < Duration::from_secs(180), "no change was told");
    }
}

/// Until this one comes; before it only that anything may have happened.
async fn until(changes: &mut Changes, expected: &Change) {
    loop {
        match next(changes).await {
            change if change == *expected => return,
            change => assert_eq!(change, Change::Unknown),
        }
    }
}

#[tokio::test]
async fn a_service_that_runs_notices_that_its_collection_was_replaced() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    store.create(&todo("old")).await.unwrap();
    let mut changes = store.changes(None).await.unwrap();

    let replacement = Replacement::begin(&mongo_url(), &options).await.unwrap();
    let mut documents = Documents::default();
    let foreign = rawdoc! { "_id": ObjectId::new(), "id": "2", "name": "new" };
    documents.push(foreign.as_bytes()).unwrap();
    replacement.store().insert_raw(&documents).await.unwrap();
    assert_eq!(store.find(&id("1")).await.unwrap().unwrap().todo.name, "old", "until it is published");
    assert_eq!(store.find(&id("2")).await.unwrap(), None);
    replacement.publish().await.unwrap();

    until(&mut changes, &Change::Unknown).await;
    assert_eq!(store.find(&id("1")).await.unwrap(), None);
    assert_eq!(store.find(&id("2")).await.unwrap().unwrap().todo.name, "new");
    let version = store.create(&todo("one")).await.unwrap();
    until(&mut changes, &Change::Written { id: id("1"), version }).await;
    // Its `_id` is not its id: only a pre-image tells of what the delete was.
    store.delete(&id("2"), &Precondition::None).await.unwrap();
    until(&mut changes, &Change::Deleted { id: id("2") }).await;
}

#[tokio::test]
async fn a_replaced_file_goes_on_with_the_versions_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::Embedded(folder.path().join("todos.redb"));
    let store = Store::open(&url, &options()).await.unwrap();
    // A version of the future, as one that a clock gave that was set back since.
    let mut documents = Documents::default();
    documents.push(rawdoc! { "_id": "1", "id": "1", "name": "A", "v": (1_i64 << 52) }.as_bytes()).unwrap();
    store.insert_raw(&documents).await.unwrap();
    let last = store.replace(&todo("one"), &Precondition::None).await.unwrap().version;
    let refused = Replacement::begin(&url, &options()).await.err().expect("it is open").to_string();
    assert!(refused.contains("open in another process"), "{refused}");
    drop(store);

    let discarded = Replacement::begin(&url, &options()).await.unwrap();
    discarded.store().insert_many(&[todo("new")]).await.unwrap();
    assert!(Store::open(&url, &options()).await.is_err(), "nobody can open it meanwhile");
    discarded.discard().await;
    let store = Store::open(&url, &options()).await.unwrap();
    assert_eq!(store.find(&id("1")).await.unwrap().unwrap().version, last);
    drop(store);

    let published = Replacement::begin(&url, &options()).await.unwrap();
    published.store().insert_many(&[todo("new")]).await.unwrap();
    published.publish().await.unwrap();
    let store = Store::open(&url, &options()).await.unwrap();
    let found = store.find(&id("1")).await.unwrap().unwrap();
    assert_eq!(found.todo.name, "new");
    assert!(found.version > last, "{found:?} after {last:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
}

//! MongoDB's own: documents of other origin, duplicates, a server that is no replica set.

use std::str::FromStr as _;

use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use mongodb::{Client, Collection, IndexModel};
use test_servers::{MongoServer, shared_mongo};
use todo_model::{Todo, TodoPatch, Version};
use todo_store::{Precondition, Store, StoreError, StoreOptions};

use crate::support::{id, mongo_url, options, todo};

async fn foreign(options: &StoreOptions) -> Collection<Document> {
    let client = Client::with_uri_str(shared_mongo().url()).await.unwrap();
    client.database(options.database.as_deref().unwrap()).collection(&options.collection)
}

#[tokio::test]
async fn documents_of_other_origin_are_read_and_keep_what_the_todo_does_not_know() {
    let options = options();
    let documents = foreign(&options).await;
    let key = ObjectId::new();
    documents
        .insert_one(doc! { "_id": key, "id": "1", "name": "A", "description": "B", "owner": { "team": 7 } })
        .await
        .unwrap();
    documents.insert_one(doc! { "id": "2", "name": "no description" }).await.unwrap();
    let store = Store::open(&mongo_url(), &options).await.unwrap();

    let first = store.find(&id("1")).await.unwrap().unwrap();
    assert_eq!(first.version, Version::UNVERSIONED);
    assert_eq!(first.todo, Todo { id: id("1"), name: "A".into(), description: Some("B".into()) });
    assert_eq!(store.find(&id("2")).await.unwrap().unwrap().todo.description, None);

    let patch = TodoPatch { name: Some("C".into()), ..TodoPatch::default() };
    let patched = store.patch(&id("1"), &patch, &Precondition::Unchanged(first)).await.unwrap();
    assert!(patched.version > Version::UNVERSIONED, "it took a version at its first update");
    let replaced = store.replace(&todo("D"), &Precondition::None).await.unwrap();
    let document = documents.find_one(doc! { "id": "1" }).await.unwrap().unwrap();
    assert_eq!(document.get_object_id("_id").unwrap(), key);
    assert_eq!(document.get_document("owner").unwrap(), &doc! { "team": 7 });
    assert_eq!(document.get_i64("v").unwrap() as u64, replaced.version.0);
}

#[tokio::test]
async fn a_version_that_is_none_of_ours_counts_as_none() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    let documents = foreign(&options).await;
    let hour = 3_600 * Version::PER_SECOND as i64;
    let now = Version::at(std::time::SystemTime::now()).0 as i64;
    let versions: [Bson; 15] = [
        (now + hour).into(),
        (now + 5 * hour / 3_600).into(),
        ((now + hour) as f64).into(),
        ((1_i64 << 53) - 1).into(),
        5.5.into(),
        (-5.5).into(),
        mongodb::bson::Decimal128::from_str("5").unwrap().into(),
        "$v".into(),
        Bson::Null,
        true.into(),
        f64::NAN.into(),
        1e300.into(),
        (-5_i64).into(),
        ((1_i64 << 53) + 7).into(),
        doc! { "n": 1 }.into(),
    ];
    for v in versions {
        documents.insert_one(doc! { "id": "1", "name": "A", "description": "text", "v": v.clone() }).await.unwrap();
        let taken = store.create(&todo("other")).await;
        assert!(matches!(taken, Err(StoreError::Exists(_))), "{v}: {taken:?}");
        let first = store.find(&id("1")).await.unwrap().unwrap();
        assert_eq!((first.version, first.todo.name.as_str()), (Version::UNVERSIONED, "A"), "{v}");
        let second = store.replace(&todo("B"), &Precondition::Unchanged(first)).await.unwrap().version;
        assert!(second > Version::UNVERSIONED && second.0.abs_diff(now as u64) < hour as u64, "{v}: {second}");
        let stored = documents.find_one(doc! { "id": "1" }).await.unwrap().unwrap();
        assert_eq!(stored.get_i64("v").unwrap() as u64, second.0, "{v}");
        assert_eq!(store.find(&id("1")).await.unwrap().unwrap().version, second, "{v}");
        assert_eq!(store.find_many(&[id("1")]).await.unwrap()[0].version, second, "{v}");
        let deleted = store.delete(&id("1"), &Precondition::None).await.unwrap();
        let again = store.create(&todo("C")).await.unwrap();
        assert!(second < deleted && deleted < again, "{v}: {second} {deleted} {again}");
        let foreign = doc! { "$set": { "v": v.clone() } };
        documents.update_one(doc! { "id": "1" }, foreign).await.unwrap();
        assert_eq!(store.find_many(&[id("1")]).await.unwrap()[0].version, Version::UNVERSIONED, "{v}");
        let patch = TodoPatch { name: Some("D".into()), ..TodoPatch::default() };
        let patched = store.patch(&id("1"), &patch, &Precondition::None).await.unwrap().version;
        assert!(again < patched && patched.0.abs_diff(now as u64) < hour as u64, "{v}: {again} {patched}");
        assert_eq!(store.find(&id("1")).await.unwrap().unwrap().version, patched, "{v}");
        documents.update_one(doc! { "id": "1" }, doc! { "$set": { "v": v.clone() } }).await.unwrap();
        let deleted = store.delete(&id("1"), &Precondition::None).await.unwrap();
        let again = store.create(&todo("E")).await.unwrap();
        assert!(patched <= deleted && deleted < again, "{v}: {patched} {deleted} {again}");
        store.delete(&id("1"), &Precondition::None).await.unwrap();
    }
}

#[tokio::test]
async fn what_we_write_has_its_id_as_its_key() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    store.create(&todo("one")).await.unwrap();
    store.insert_many(&[Todo { id: id("2"), ..todo("two") }]).await.unwrap();
    store.replace(&Todo { id: id("3"), ..todo("three") }, &Precondition::None).await.unwrap();
    for text in ["1", "2", "3"] {
        let document = foreign(&options).await.find_one(doc! { "_id": text }).await.unwrap();
        assert!(document.is_some_and(|document| document.get_str("id").unwrap() == text), "{text}");
    }
}

#[tokio::test]
async fn a_document_that_is_no_todo_is_an_error_that_names_the_field() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    foreign(&options).await.insert_one(doc! { "id": "1", "name": 7 }).await.unwrap();
    let found = store.find(&id("1")).await;
    let Err(StoreError::NotATodo { problem, .. }) = found else { panic!("{found:?}") };
    assert!(problem.contains("name"), "{problem}");
}

#[tokio::test]
async fn duplicates_are_found_at_the_start_and_one_is_named() {
    let options = options();
    let twice = [doc! { "id": "7", "name": "A" }, doc! { "id": "8", "name": "A" }, doc! { "id": "7", "name": "B" }];
    foreign(&options).await.insert_many(twice).await.unwrap();
    let opened = Store::open(&mongo_url(), &options).await;
    let Err(error @ StoreError::Duplicates { .. }) = opened else { panic!("{opened:?}") };
    let text = error.to_string();
    assert!(
        text.contains("id 7;") && text.contains(options.database.as_deref().unwrap()) && text.contains("remove"),
        "{text}"
    );
}

#[tokio::test]
async fn a_duplicate_is_named_as_it_is() {
    for (stored, named) in [(doc! { "id": "a\" }, b" }, "id a\" }, b;"), (doc! { "name": "A" }, "id null;")] {
        let options = options();
        foreign(&options).await.insert_many([stored.clone(), stored]).await.unwrap();
        let opened = Store::open(&mongo_url(), &options).await;
        let Err(error @ StoreError::Duplicates { .. }) = opened else { panic!("{opened:?}") };
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test]
async fn an_index_on_id_that_is_not_unique_is_refused_with_what_to_do() {
    let options = options();
    foreign(&options).await.create_index(IndexModel::builder().keys(doc! { "id": 1 }).build()).await.unwrap();
    let opened = Store::open(&mongo_url(), &options).await;
    let Err(StoreError::Refused(text)) = opened else { panic!("{opened:?}") };
    assert!(text.contains("dropIndex"), "{text}");
}

#[tokio::test]
async fn a_standalone_server_works_too() {
    let server = MongoServer::start_standalone();
    let store = Store::open(&server.url().parse().unwrap(), &options()).await.unwrap();
    let created = store.create(&todo("one")).await.unwrap();
    let replaced = store.replace(&todo("two"), &Precondition::None).await.unwrap().version;
    let deleted = store.delete(&id("1"), &Precondition::None).await.unwrap();
    assert!(created < replaced && replaced < deleted);
    let mut last = deleted;
    for round in 0..200 {
        let created = store.create(&todo("one")).await.unwrap();
        assert!(created > last, "round {round}: {created} is not above {last}");
        last = store.delete(&id("1"), &Precondition::None).await.unwrap();
        assert!(last > created);
    }
    let now = Version::at(std::time::SystemTime::now()).0;
    assert!(created.0.abs_diff(now) < 3_600 * Version::PER_SECOND, "{created} is not on the scale of {now}");
}

#[tokio::test]
async fn a_document_with_the_key_but_without_the_id_is_said_to_be_in_the_way() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    foreign(&options).await.insert_one(doc! { "_id": "1", "name": "no todo" }).await.unwrap();
    let created = store.create(&todo("new")).await;
    assert!(matches!(&created, Err(StoreError::KeyTaken(id)) if id.as_str() == "1"), "{created:?}");
    for precondition in [Precondition::None, Precondition::Absent] {
        let replaced = store.replace(&todo("new"), &precondition).await;
        let Err(error @ StoreError::KeyTaken(_)) = replaced else { panic!("{replaced:?}") };
        assert!(error.to_string().contains("_id") && error.to_string().contains("remove it"), "{error}");
    }
    // A todo of ours is no such document.
    store.create(&Todo { id: id("2"), ..todo("one") }).await.unwrap();
    let again = store.create(&Todo { id: id("2"), ..todo("one") }).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
}

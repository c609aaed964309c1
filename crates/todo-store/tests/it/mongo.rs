//! MongoDB's own: documents of other origin, duplicates, a server that is away or hangs.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::{Client, Collection, IndexModel};
use test_servers::{MongoServer, free_port, shared_mongo};
use todo_model::{Todo, TodoPatch, Version};
use todo_store::{Expect, Store, StoreError, StoreOptions, StoreUrl};

use crate::support::{id, mongo_url, options, todo};

async fn foreign(options: &StoreOptions) -> Collection<Document> {
    let client = Client::with_uri_str(shared_mongo().url()).await.unwrap();
    client.database(&options.database).collection(&options.collection)
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
    let patched = store.patch(&id("1"), &patch, &Expect::Unchanged(first)).await.unwrap();
    assert!(patched.version > Version::UNVERSIONED, "it took a version at its first update");
    let replaced = store.replace(&todo("D"), &Expect::Anything).await.unwrap();
    let document = documents.find_one(doc! { "id": "1" }).await.unwrap().unwrap();
    assert_eq!(document.get_object_id("_id").unwrap(), key);
    assert_eq!(document.get_document("owner").unwrap(), &doc! { "team": 7 });
    assert_eq!(document.get_i64("v").unwrap() as u64, replaced.version.0);
}

#[tokio::test]
async fn what_we_write_has_its_id_as_its_key() {
    let options = options();
    let store = Store::open(&mongo_url(), &options).await.unwrap();
    store.create(&todo("one")).await.unwrap();
    store.insert_many(&[Todo { id: id("2"), ..todo("two") }]).await.unwrap();
    store.replace(&Todo { id: id("3"), ..todo("three") }, &Expect::Anything).await.unwrap();
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
    assert!(text.contains("id 7") && text.contains(&options.database) && text.contains("remove"), "{text}");
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
async fn a_server_that_is_not_there_is_unavailable_in_time_and_its_password_is_not_shown() {
    let url: StoreUrl = format!("mongodb://user:hunter2@127.0.0.1:{}/", free_port()).parse().unwrap();
    let began = Instant::now();
    let opened = Store::open(&url, &StoreOptions { timeout: Duration::from_secs(2), ..options() }).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let Err(error @ StoreError::Unavailable(_)) = opened else { panic!("{opened:?}") };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("refused"), "{cause}");
    assert!(!format!("{error:?} {error} {cause}").contains("hunter2"));
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_and_its_password_is_not_shown() {
    for text in ["mongodb://user:hun:ter2@host:x/", "mongodb://user:hun/ter2@host", "mongodb://host:port"] {
        let opened = Store::open(&text.parse().unwrap(), &options()).await;
        let Err(error @ StoreError::Refused(_)) = opened else { panic!("{text}: {opened:?}") };
        assert!(!format!("{error:?} {error}").contains("hun"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_to_readers_and_of_unknown_outcome_to_writers() {
    let server = MongoServer::start();
    let quick = StoreOptions { timeout: Duration::from_millis(500), ..options() };
    let patient = StoreOptions { timeout: Duration::from_secs(20), ..quick.clone() };
    let url = server.url().parse().unwrap();
    // The slow part, making index and connections, is not what is tried here.
    Store::open(&url, &patient).await.unwrap().create(&todo("one")).await.unwrap();
    let store = Store::open(&url, &quick).await.unwrap();
    assert!(store.find(&id("1")).await.unwrap().is_some());
    server.suspend();
    let read = store.find(&id("1")).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let written = store.replace(&todo("two"), &Expect::Anything).await;
    assert!(matches!(written, Err(StoreError::UnknownOutcome(_) | StoreError::Unavailable(_))), "{written:?}");
    server.resume();
    let began = Instant::now();
    while store.find(&id("1")).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not answer again");
    }
}

#[tokio::test]
async fn a_standalone_server_works_too() {
    let server = MongoServer::start_standalone();
    let store = Store::open(&server.url().parse().unwrap(), &options()).await.unwrap();
    let created = store.create(&todo("one")).await.unwrap();
    let replaced = store.replace(&todo("two"), &Expect::Anything).await.unwrap().version;
    let deleted = store.delete(&id("1"), &Expect::Anything).await.unwrap();
    assert!(created < replaced && replaced < deleted);
    let now = Version::at(std::time::SystemTime::now()).0;
    assert!(created.0.abs_diff(now) < 3_600 * Version::PER_SECOND, "{created} is not on the scale of {now}");
}

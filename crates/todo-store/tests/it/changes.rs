//! Whoever watches is told of every write, also of those by programs that know nothing of versions.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::{Client, Collection};
use test_servers::{MongoServer, shared_mongo};
use todo_model::Version;
use todo_store::{Change, Changes, Precondition, Store, StoreOptions};

use crate::support::{embedded, id, mongo_url, options, todo};

/// MongoDB manual, "Error Codes": the place in the stream is not in the server's log any more.
const HISTORY_LOST: i32 = 286;

/// A watcher that forgets nothing.
struct Watcher {
    changes: Changes,
    told: VecDeque<Change>,
}

impl Watcher {
    async fn of(store: &Store, name: Option<&str>) -> Self {
        Self { changes: store.changes(name).await.unwrap(), told: VecDeque::new() }
    }

    /// The next change.
    async fn next(&mut self) -> Change {
        let began = Instant::now();
        loop {
            if let Some(change) = self.told.pop_front() {
                return change;
            }
            assert!(began.elapsed() < Duration::from_secs(180), "no change was told");
            self.told.extend(self.changes.next().await.unwrap());
        }
    }

    /// That there is nothing more to tell.
    async fn nothing(&mut self) {
        assert_eq!(self.changes.next().await.unwrap(), None);
    }
}

async fn foreign(server: &MongoServer, options: &StoreOptions) -> Collection<Document> {
    let client = Client::with_uri_str(server.url()).await.unwrap();
    client.database(options.database.as_deref().unwrap()).collection(&options.collection)
}

fn written(name: &str, version: Version) -> Change {
    Change::Written { id: id(name), version }
}

fn touched(name: &str) -> Change {
    Change::Touched { id: id(name) }
}

fn deleted(name: &str) -> Change {
    Change::Deleted { id: id(name) }
}

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
    documents.insert_one(doc! { "_id": "1", "id": "1", "name": "restored", "v": version.0 as i64 }).await.unwrap();
    assert_eq!(watcher.next().await, touched("1"));
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
        let twice = documents.insert_one(doc! { "_id": "2", "id": "1", "name": "anew" }).await;
        assert!(twice.is_err(), "the index on id was made again (drop {turn})");
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
    assert!(watcher.changes.next().await.is_err());
    assert!(!Watcher::of(&store, Some("cells")).await.changes.is_complete());
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
    assert_eq!(watcher.next().await, written("1", version));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_no_replica_set_does_not_tell() {
    let server = MongoServer::start_standalone();
    let store = Store::open(&server.url().parse().unwrap(), &options()).await.unwrap();
    assert!(!store.has_changes());
    assert!(store.changes(None).await.is_err());
}

//! A watcher, and what it is told.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongodb::options::Hint;
use mongodb::{Client, Collection};
use test_servers::MongoServer;
use todo_model::Version;
use todo_store::{Change, Changes, Store, StoreOptions};

use crate::support::id;

/// A watcher that forgets nothing.
pub(crate) struct Watcher {
    pub(crate) changes: Changes,
    pub(crate) told: VecDeque<Change>,
}

impl Watcher {
    pub(crate) async fn of(store: &Store, name: Option<&str>) -> Self {
        Self { changes: store.changes(name).await.unwrap(), told: VecDeque::new() }
    }

    /// The next change.
    pub(crate) async fn next(&mut self) -> Change {
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
    pub(crate) async fn nothing(&mut self) {
        assert_eq!(self.changes.next().await.unwrap(), None);
    }
}

pub(crate) async fn foreign(server: &MongoServer, options: &StoreOptions) -> Collection<Document> {
    let client = Client::with_uri_str(server.url()).await.unwrap();
    client.database(options.database.as_deref().unwrap()).collection(&options.collection)
}

/// One on the id that is ready: the server lists them also while they are built.
pub(crate) async fn has_index(documents: &Collection<Document>) -> bool {
    documents.find_one(doc! {}).hint(Hint::Keys(doc! { "id": 1 })).await.is_ok()
}

/// Whether the server keeps what each document was before.
pub(crate) async fn has_pre_images(documents: &Collection<Document>, database: &str) -> bool {
    let list = doc! { "listCollections": 1, "filter": { "name": documents.name() } };
    let listed = documents.client().database(database).run_command(list).await.unwrap();
    listed.to_string().contains("changeStreamPreAndPostImages")
}

pub(crate) fn written(name: &str, version: Version) -> Change {
    Change::Written { id: id(name), version }
}

pub(crate) fn touched(name: &str) -> Change {
    Change::Touched { id: id(name) }
}

pub(crate) fn deleted(name: &str) -> Change {
    Change::Deleted { id: id(name) }
}

//! Stores of a test's own.

use std::time::Duration;

use tempfile::TempDir;
use test_servers::{fresh_name, shared_mongo};
use todo_model::{Todo, TodoId};
use todo_store::{Store, StoreOptions, StoreUrl};

/// Patient: the tests share two cores with their servers.
pub(crate) fn options() -> StoreOptions {
    StoreOptions { database: Some(fresh_name("store")), timeout: Duration::from_secs(10), ..StoreOptions::default() }
}

pub(crate) fn mongo_url() -> StoreUrl {
    shared_mongo().url().parse().unwrap()
}

/// Keeps a store's folder for as long as the test uses it.
pub(crate) struct Guard {
    pub(crate) store: Store,
    _folder: Option<TempDir>,
}

pub(crate) async fn mongo() -> Guard {
    Guard { store: Store::open(&mongo_url(), &options()).await.unwrap(), _folder: None }
}

pub(crate) async fn embedded() -> Guard {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::Embedded(folder.path().join("new/folder/todos.redb"));
    Guard { store: Store::open(&url, &options()).await.unwrap(), _folder: Some(folder) }
}

pub(crate) fn id(text: &str) -> TodoId {
    text.parse().unwrap()
}

pub(crate) fn todo(name: &str) -> Todo {
    Todo { id: id("1"), name: name.to_owned(), description: Some("text".to_owned()) }
}

//! The embedded store's own: the file.

use std::path::Path;

use todo_store::{Expect, Store, StoreError, StoreUrl};

use crate::support::{id, options, todo};

async fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(&StoreUrl::Embedded(path.to_owned()), &options()).await
}

#[tokio::test]
async fn todos_and_versions_survive_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("todos.redb");
    let store = open(&path).await.unwrap();
    store.create(&todo("one")).await.unwrap();
    let gone = store.delete(&id("1"), &Expect::Anything).await.unwrap();
    drop(store);
    let store = reopen(&path).await;
    assert_eq!(store.find(&id("1")).await.unwrap(), None);
    let again = store.create(&todo("two")).await.unwrap();
    assert!(again > gone, "versions go on where they were");
    drop(store);
    assert_eq!(reopen(&path).await.find(&id("1")).await.unwrap().unwrap().version, again);
}

/// The writer's thread gives the file back a moment after the last handle is gone.
async fn reopen(path: &Path) -> Store {
    for _ in 0..1_000 {
        match open(path).await {
            Err(StoreError::Refused(_)) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            opened => return opened.unwrap(),
        }
    }
    panic!("the file is not given back");
}

#[tokio::test]
async fn a_file_in_use_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("todos.redb");
    let _first = open(&path).await.unwrap();
    let second = open(&path).await;
    let Err(StoreError::Refused(text)) = second else { panic!("{second:?}") };
    assert!(text.contains("todos.redb") && text.contains("another process"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "milk, bread, and far more than the header of a database would ever take").unwrap();
    let opened = open(&path).await;
    let Err(StoreError::Refused(text)) = opened else { panic!("{opened:?}") };
    assert!(text.contains("notes.txt"), "{text}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("milk"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_refused() {
    let opened = open(Path::new("/proc/no/such/todos.redb")).await;
    assert!(matches!(opened, Err(StoreError::Refused(_))), "{opened:?}");
}

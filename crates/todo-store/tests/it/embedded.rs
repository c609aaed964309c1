//! The embedded store's own: the file.

use std::path::Path;
use std::time::SystemTime;

use mongodb::bson::{Bson, RawBson, rawdoc};
use redb::{Database, TableDefinition};
use todo_model::{Todo, Version};
use todo_store::raw::Documents;
use todo_store::{Precondition, Store, StoreError, StoreUrl};

use crate::support::{id, options, todo};

async fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(&StoreUrl::Embedded(path.to_owned()), &options()).await
}

#[tokio::test]
async fn todos_versions_and_hot_ids_survive_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("todos.redb");
    let store = open(&path).await.unwrap();
    store.create(&todo("one")).await.unwrap();
    let gone = store.delete(&id("1"), &Precondition::None).await.unwrap();
    drop(store);
    let store = open(&path).await.expect("the last handle gives the file back");
    assert_eq!(store.find(&id("1")).await.unwrap(), None);
    let again = store.create(&todo("two")).await.unwrap();
    assert!(again > gone, "versions go on where they were");
    let hot = ["1".to_owned(), "0".to_owned()];
    store.save_hot_ids("todo", &hot).await.unwrap();
    drop(store);
    let store = open(&path).await.unwrap();
    assert_eq!(store.find(&id("1")).await.unwrap().unwrap().version, again);
    assert_eq!(store.hot_ids("todo").await.unwrap(), hot);
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

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

#[tokio::test]
async fn a_file_of_a_later_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("todos.redb");
    drop(open(&path).await.unwrap());
    let file = Database::open(&path).unwrap();
    let change = file.begin_write().unwrap();
    change.open_table(META).unwrap().insert("format", 999).unwrap();
    change.commit().unwrap();
    drop(file);
    let opened = open(&path).await;
    let Err(StoreError::Refused(text)) = opened else { panic!("{opened:?}") };
    assert!(text.contains("todos.redb") && text.contains("999"), "{text}");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.redb");
    let tables = || -> Vec<String> {
        let file = Database::create(&path).unwrap();
        let change = file.begin_write().unwrap();
        change.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
        let names = change.list_tables().unwrap().map(|table| redb::TableHandle::name(&table).to_owned()).collect();
        change.commit().unwrap();
        names
    };
    let before = tables();
    let opened = open(&path).await;
    let Err(StoreError::Refused(text)) = opened else { panic!("{opened:?}") };
    assert!(text.contains("other.redb") && text.contains("no store of todos"), "{text}");
    assert_eq!(tables(), before);
}

#[tokio::test]
async fn a_bulk_insert_is_on_disk_after_a_flush_and_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("todos.redb");
    let many: Vec<Todo> = (0..1_000).map(|n| Todo { id: id(&n.to_string()), ..todo("many") }).collect();
    let store = open(&path).await.unwrap();
    store.insert_many(&many[..500]).await.unwrap();
    store.flush().await.unwrap();
    store.insert_many(&many[500..]).await.unwrap();
    drop(store);
    let store = open(&path).await.unwrap();
    assert_eq!(store.count().await.unwrap(), 1_000);
    let taken = store.insert_many(&many[..1]).await;
    assert!(matches!(taken, Err(StoreError::Exists(_))), "{taken:?}");
}

#[tokio::test]
async fn a_version_above_the_clock_counts_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("todos.redb")).await.unwrap();
    let now = Version::at(SystemTime::now()).0 as i64;
    let hour = 3_600 * Version::PER_SECOND as i64;
    let versions: [Bson; 6] =
        [(now + hour).into(), (Version::MAX.0 as i64).into(), i64::MAX.into(), (-1_i64).into(), 5.5.into(), "7".into()];
    for v in versions {
        let mut documents = Documents::default();
        let raw = RawBson::try_from(v.clone()).unwrap();
        documents.push(rawdoc! { "_id": "1", "id": "1", "name": "restored", "v": raw }.as_bytes()).unwrap();
        store.insert_raw(&documents).await.unwrap();
        let found = store.find(&id("1")).await.unwrap().unwrap();
        assert_eq!(found.version, Version::UNVERSIONED, "{v}");
        let replaced = store.replace(&todo("ours"), &Precondition::Unchanged(found)).await.unwrap().version;
        assert!(replaced.0.abs_diff(now as u64) < hour as u64, "{v}: {replaced} and {now}");
        assert_eq!(store.find(&id("1")).await.unwrap().unwrap().version, replaced, "{v}");
        store.replace_raw(&documents).await.unwrap();
        let deleted = store.delete(&id("1"), &Precondition::None).await.unwrap();
        let again = store.create(&todo("again")).await.unwrap();
        assert!(replaced < deleted && deleted < again, "{v}: {replaced} {deleted} {again}");
        store.delete(&id("1"), &Precondition::None).await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_refused() {
    let opened = open(Path::new("/proc/no/such/todos.redb")).await;
    assert!(matches!(opened, Err(StoreError::Refused(_))), "{opened:?}");
}

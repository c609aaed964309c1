//! Documents as bytes, on both stores.

use mongodb::bson::{DateTime, RawBson, RawDocumentBuf, oid::ObjectId, rawdoc};
use todo_store::raw::Documents;
use todo_store::{Store, StoreError};

use crate::support::{embedded, id, mongo};

fn documents(all: &[RawDocumentBuf]) -> Documents {
    let mut documents = Documents::default();
    all.iter().for_each(|document| documents.push(document.as_bytes()).unwrap());
    documents
}

async fn all_of(store: &Store) -> Vec<Vec<u8>> {
    let (mut reader, mut all) = (store.read_raw().await.unwrap(), Vec::new());
    while let Some(some) = reader.next().await.unwrap() {
        all.extend(some.iter().map(<[u8]>::to_vec));
    }
    all.sort();
    all
}

fn sorted(documents: &Documents) -> Vec<Vec<u8>> {
    let mut all: Vec<_> = documents.iter().map(<[u8]>::to_vec).collect();
    all.sort();
    all
}

async fn documents_come_back_byte_by_byte(store: &Store) {
    let foreign = rawdoc! {
        "_id": ObjectId::new(), "name": "A", "id": "a", "v": 7_i64, "description": RawBson::Null,
        "made": DateTime::from_millis(-5), "tags": ["x", { "y": 1.5 }], "name2": RawBson::Undefined,
    };
    let ours = documents(&[foreign, rawdoc! { "_id": "b", "id": "b", "name": "B" }]);
    let inserted = store.insert_raw(&ours).await.unwrap();
    assert_eq!((inserted.count, inserted.taken.len(), inserted.refused.len()), (2, 0, 0));

    store.flush().await.unwrap();
    assert!(store.is_durable(inserted.receipt));
    assert_eq!(all_of(store).await, sorted(&ours));
    assert_eq!((store.count().await.unwrap(), store.estimated_count().await.unwrap()), (2, 2));
    assert_eq!(sorted(&store.find_raw(&ours).await.unwrap()), sorted(&ours));
    let found = store.find(&id("a")).await.unwrap().unwrap();
    assert_eq!((found.todo.name.as_str(), found.version.0), ("A", 7));
}

async fn what_is_there_stays_until_it_is_replaced(store: &Store) {
    let old = documents(&[rawdoc! { "_id": "1", "id": "1", "name": "old" }]);
    store.insert_raw(&old).await.unwrap();
    let new = documents(&[
        rawdoc! { "_id": "2", "id": "2", "name": "new" },
        rawdoc! { "_id": "other", "id": "1", "name": "new" },
    ]);
    let inserted = store.insert_raw(&new).await.unwrap();
    assert_eq!((inserted.count, inserted.taken, inserted.refused.len()), (1, vec![1], 0));
    assert_eq!(store.find_raw(&new.only(&[1])).await.unwrap(), old);

    store.replace_raw(&new).await.unwrap();
    store.flush().await.unwrap();
    assert_eq!(all_of(store).await, sorted(&new));
}

#[tokio::test]
async fn in_mongodb_documents_come_back_byte_by_byte() {
    documents_come_back_byte_by_byte(&mongo().await.store).await;
}

#[tokio::test]
async fn in_the_embedded_store_documents_come_back_byte_by_byte() {
    documents_come_back_byte_by_byte(&embedded().await.store).await;
}

#[tokio::test]
async fn in_mongodb_what_is_there_stays_until_it_is_replaced() {
    what_is_there_stays_until_it_is_replaced(&mongo().await.store).await;
}

#[tokio::test]
async fn in_the_embedded_store_what_is_there_stays_until_it_is_replaced() {
    what_is_there_stays_until_it_is_replaced(&embedded().await.store).await;
}

#[tokio::test]
async fn what_a_store_cannot_hold_is_said_and_the_rest_is_stored() {
    let some = documents(&[
        rawdoc! { "_id": 1 },
        rawdoc! { "_id": 2 },
        rawdoc! { "_id": 3, "id": "3" },
        rawdoc! { "_id": 4, "id": 5 },
    ]);
    let stored = mongo().await.store.insert_raw(&some).await.unwrap();
    assert_eq!((stored.count, stored.taken.len(), stored.refused.len()), (3, 0, 1));
    assert!(stored.refused[0].1.contains("only one document may be without an id"), "{stored:?}");
    let stored = embedded().await.store.insert_raw(&some).await.unwrap();
    assert_eq!((stored.count, stored.taken.len(), stored.refused.len()), (1, 0, 3));
    assert!(stored.refused[2].1.contains("id must be a string"), "{stored:?}");
}

#[tokio::test]
async fn indexes_are_listed_and_made() {
    let (from, to) = (mongo().await, mongo().await);
    let more = documents(&[rawdoc! { "v": 2, "key": { "name": 1 }, "name": "by_name", "sparse": true }]);
    from.store.make_indexes(&more).await.unwrap();
    let listed = from.store.indexes().await.unwrap();
    assert_eq!(listed.len(), 3, "_id, id and the new one");
    to.store.make_indexes(&listed).await.unwrap();
    assert_eq!(to.store.indexes().await.unwrap(), listed);
    let wrong = documents(&[rawdoc! { "key": { "name": "sideways" }, "name": "wrong" }]);
    assert!(matches!(to.store.make_indexes(&wrong).await, Err(StoreError::Refused(_))));
}

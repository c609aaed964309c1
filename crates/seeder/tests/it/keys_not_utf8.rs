//! Documents whose `_id`, `id`, or both, hold bytes that are not UTF-8: the server takes every byte, and so do we.

use bson::{RawDocumentBuf, rawdoc};

use crate::samples::todos;
use crate::support::{embedded, mongo, sorted};

/// With a byte of Latin-1 at the place of each `?`.
fn latin(document: RawDocumentBuf) -> RawDocumentBuf {
    let bytes = document.into_bytes().into_iter().map(|byte| if byte == b'?' { 0xF6 } else { byte }).collect();
    RawDocumentBuf::from_bytes(bytes).unwrap()
}

fn file_of(folder: &tempfile::TempDir, name: &str, all: &[RawDocumentBuf]) -> String {
    let file = folder.path().join(name);
    std::fs::write(&file, all.iter().flat_map(|todo| todo.as_bytes().to_vec()).collect::<Vec<u8>>()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_not_utf8_are_taken_as_mongorestore_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = todos(3);
    all.insert(1, latin(rawdoc! { "_id": "J?rg", "id": "a", "name": "A" }));
    all.insert(1, latin(rawdoc! { "_id": { "k?y": 1 }, "id": "b", "name": "B" }));
    let file = file_of(&folder, "todos.bson", &all);
    for place in [mongo(), embedded()] {
        assert!(place.done("restore", &[&file]).starts_with("5 todos written"));
        assert!(place.all("todos").await == sorted(&all));
        assert!(place.done("restore", &[&file, "--resume"]).contains("5 were there already"));
    }
    let theirs = mongo();
    theirs.collection("todos").await;
    theirs.tool("mongorestore", &["--db", &theirs.database, "--collection", "todos", &file]);
    assert!(theirs.all("todos").await == sorted(&all));
}

/// Of each of these only `name` differs between two files.
fn with_odd_keys(name: &str) -> Vec<RawDocumentBuf> {
    let mut all = todos(2);
    all.extend([
        latin(rawdoc! { "_id": "J?rg", "id": "J?rg", "name": name }),
        latin(rawdoc! { "_id": "J?rn", "id": "J?rn", "name": name }),
        latin(rawdoc! { "_id": { "k?y": 1 }, "id": { "k?y": 1 }, "name": name }),
        latin(rawdoc! { "_id": 7, "id": "B?rbel", "name": name }),
        latin(rawdoc! { "_id": "J?rgen", "id": 7, "name": name }),
    ]);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_of_which_no_key_is_utf8_are_found_replaced_skipped_and_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (with_odd_keys("old"), with_odd_keys("new"));
    let (old_file, new_file) = (file_of(&folder, "old.bson", &old), file_of(&folder, "new.bson", &new));
    let place = mongo();
    place.done("restore", &[&old_file]);
    assert!(place.all("todos").await == sorted(&old));
    let said = place.done("restore", &[&old_file, "--resume"]);
    assert!(said.starts_with("0 todos written") && said.contains("7 were there already"), "{said}");
    let said = place.done("restore", &[&new_file, "--resume", "--on-conflict", "skip"]);
    assert!(said.contains("5 left out"), "{said}");
    assert!(place.all("todos").await == sorted(&old), "nothing was changed");
    let said = place.done("restore", &[&new_file, "--resume", "--on-conflict", "replace"]);
    assert!(said.contains("5 took the place"), "{said}");
    assert!(place.all("todos").await == sorted(&new), "each in the place of its own");
    assert!(place.done("verify", &["--against", &new_file]).contains("contents equal"));

    // One key of one document, the other of another: both make room.
    let both = [latin(rawdoc! { "_id": "J?rg", "id": "J?rn", "name": "both" })];
    let said = place.done("restore", &[&file_of(&folder, "both.bson", &both), "--resume", "--on-conflict", "replace"]);
    assert!(said.contains("1 took the place"), "{said}");
    let mut left: Vec<_> =
        new.into_iter().enumerate().filter(|(at, _)| ![2, 3].contains(at)).map(|(_, one)| one).collect();
    left.extend(both);
    assert!(place.all("todos").await == sorted(&left));
}

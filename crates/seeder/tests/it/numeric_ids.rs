//! Ids that are numbers: said, and as text if that is wished.

use bson::{Document, RawDocumentBuf, doc, rawdoc};
use test_servers::shared_mongo;

use crate::support::{bson_file, embedded, mongo, sorted};

/// What a file has, and what a store has of it under `--ids-as-text`.
fn cases() -> Vec<(RawDocumentBuf, RawDocumentBuf)> {
    vec![
        (rawdoc! { "_id": 5, "id": 5, "name": "A", "n": 5 }, rawdoc! { "_id": 5, "id": "5", "name": "A", "n": 5 }),
        (rawdoc! { "id": 6_i64, "name": "B" }, rawdoc! { "_id": "6", "id": "6", "name": "B" }),
        (rawdoc! { "_id": "x", "name": "C", "id": 7.0 }, rawdoc! { "_id": "x", "name": "C", "id": "7" }),
        (rawdoc! { "_id": 8, "id": "8", "name": "D" }, rawdoc! { "_id": 8, "id": "8", "name": "D" }),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_numbers_are_stored_as_text_in_both_stores_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (given, stored): (Vec<_>, Vec<_>) = cases().into_iter().unzip();
    let file = bson_file(folder.path(), &given);
    for place in [mongo(), embedded()] {
        let said = place.done("restore", &[&file, "--ids-as-text", "--strict"]);
        assert!(said.contains("4 todos written") && said.contains("3 ids are numbers in the file"), "{said}");
        assert!(place.all("todos").await == sorted(&stored));
        let said = place.done("restore", &[&file, "--ids-as-text", "--resume"]);
        assert!(said.contains("4 were there already"), "{said}");
        assert!(place.done("verify", &["--against", &file, "--ids-as-text"]).contains("contents equal"));
        assert!(place.fails("verify", &["--against", &file]).contains("do NOT equal"));
    }
    let json = folder.path().join("todos.json");
    std::fs::write(&json, r#"[{"id":5,"name":"A"},{"id":{"$numberLong":"6"},"name":"B"},{"id":7.5,"name":"C"}]"#)
        .unwrap();
    let place = embedded();
    let said = place.fails("import", &[json.to_str().unwrap(), "--ids-as-text"]);
    assert!(said.contains("2 todos written") && said.contains("1 NOT STORED"), "{said}");
    assert!(!said.contains("--ids-as-text"), "it does not help with what is no whole number: {said}");
    assert_eq!(place.todos(10).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_flag_it_is_named_and_a_resume_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let (given, _): (Vec<_>, Vec<_>) = cases().into_iter().unzip();
    let mut twice = given.clone();
    twice.push(rawdoc! { "_id": 9, "id": 5, "name": "another" });
    let file = bson_file(folder.path(), &given);
    let hint = "3 of these have a number as their id: --ids-as-text stores it as text";
    assert!(mongo().done("restore", &[&file]).contains(hint));
    let said = embedded().fails("restore", &[&file]);
    assert!(said.contains("3 NOT STORED") && said.contains(hint), "{said}");

    let twice = bson_file(folder.path(), &twice);
    for place in [mongo(), embedded()] {
        let said = place.fails("restore", &[&twice, "--ids-as-text"]);
        assert!(said.contains("to go on") && said.contains(" --ids-as-text --resume"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_mongodb_names_numeric_ids_with_the_command_that_mends_them() {
    let folder = tempfile::tempdir().unwrap();
    let (given, stored): (Vec<_>, Vec<_>) = cases().into_iter().unzip();
    let file = bson_file(folder.path(), &stored);
    let place = mongo();
    place.put("todos", &given[..1]).await;
    let said = place.done("restore", &[&file, "--on-conflict", "skip"]);
    let warning = said.lines().find(|line| line.contains("WARN") && line.contains("id is a number")).expect(&said);
    assert!(warning.contains("for instance 5:"), "{warning}");
    let pipeline = r#".updateMany({id: {$type: "number"}}, [{$set: {id: {$toString: "$id"}}}])"#;
    assert!(warning.contains(&format!(r#"db.getSiblingDB("{}").getCollection("todos"){pipeline}"#, place.database)));

    // The same, as the server gets it from the shell.
    let update: Document = doc! { "q": { "id": { "$type": "number" } }, "u": [{ "$set": { "id": { "$toString": "$id" } } }], "multi": true };
    shared_mongo().run_command(&place.database, doc! { "update": "todos", "updates": [update] });
    let said = place.done("restore", &[&file, "--on-conflict", "replace"]);
    assert!(!said.contains("id is a number"), "{said}");
    assert!(place.all("todos").await == sorted(&stored));
}

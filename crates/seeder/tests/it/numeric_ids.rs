//! Ids that are numbers: said, and as text if that is wished.

use bson::{RawDocumentBuf, doc, rawdoc};
use test_servers::shared_mongo;

use crate::support::{bson_file, embedded, mongo, sorted};

/// What a file has, and what a store has of it under `--ids-as-text`.
fn cases() -> Vec<(RawDocumentBuf, RawDocumentBuf)> {
    vec![
        (rawdoc! { "_id": 5, "id": 5, "name": "A", "n": 5 }, rawdoc! { "_id": 5, "id": "5", "name": "A", "n": 5 }),
        (rawdoc! { "id": 6_i64, "name": "B" }, rawdoc! { "_id": "6", "id": "6", "name": "B" }),
        (rawdoc! { "_id": "x", "name": "C", "id": 7.0 }, rawdoc! { "_id": "x", "name": "C", "id": "7" }),
        (
            rawdoc! { "id": "9.00".parse::<bson::Decimal128>().unwrap(), "name": "E" },
            rawdoc! { "_id": "9", "id": "9", "name": "E" },
        ),
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
        assert!(said.contains("5 todos written") && said.contains("4 ids are numbers in the file"), "{said}");
        assert!(place.all("todos").await == sorted(&stored));
        let said = place.done("restore", &[&file, "--ids-as-text", "--resume"]);
        assert!(said.contains("5 were there already"), "{said}");
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
    let hint = "4 of these have a number as their id: --ids-as-text stores it as text";
    assert!(mongo().done("restore", &[&file]).contains(hint));
    let said = embedded().fails("restore", &[&file]);
    assert!(said.contains("4 NOT STORED") && said.contains(hint), "{said}");

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
    run_in_shell(&place.database, warning);
    let said = place.done("restore", &[&file, "--on-conflict", "replace"]);
    assert!(!said.contains("id is a number"), "{said}");
    assert!(place.all("todos").await == sorted(&stored));
}

/// Runs the `updateMany` of the warning, as the server gets it from the shell.
fn run_in_shell(database: &str, warning: &str) {
    let call = format!(r#"db.getSiblingDB("{database}").getCollection("todos").updateMany("#);
    let (_, arguments) = warning.split_once(&call).expect(warning);
    let mut json = format!("[{}]", arguments.trim_end().strip_suffix(')').expect(warning));
    let operators = ["$type", "$expr", "$eq", "$trunc", "$set", "$ifNull", "$toString", "$convert"];
    for name in operators.into_iter().chain(["id", "input", "to", "onError"]) {
        json = json.replace(&format!("{{{name}: "), &format!("{{\"{name}\": "));
        json = json.replace(&format!(" {name}: "), &format!(" \"{name}\": "));
    }
    let arguments: Vec<serde_json::Value> = serde_json::from_str(&json).expect(&json);
    let bson = |at: usize| bson::Bson::try_from(arguments[at].clone()).expect("extended JSON");
    let update = doc! { "q": bson(0), "u": bson(1), "multi": true };
    shared_mongo().run_command(database, doc! { "update": "todos", "updates": [update] });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_that_mends_numeric_ids_keeps_every_digit() {
    let folder = tempfile::tempdir().unwrap();
    let exact = |text: &str| text.parse::<bson::Decimal128>().expect("a number");
    // The old shell made doubles of all numbers.
    let mended = |id: &str| rawdoc! { "_id": id, "id": id };
    let (given, stored): (Vec<_>, Vec<_>) = [
        (rawdoc! { "_id": "5", "id": 5 }, mended("5")),
        (rawdoc! { "_id": "1234567", "id": 1_234_567.0 }, mended("1234567")),
        (rawdoc! { "_id": "-9007199254740991", "id": -9_007_199_254_740_991.0 }, mended("-9007199254740991")),
        (rawdoc! { "_id": "9223372036854775807", "id": i64::MAX }, mended("9223372036854775807")),
        (rawdoc! { "_id": "8", "id": exact("8.00") }, mended("8")),
        (rawdoc! { "_id": "half", "id": 7.5 }, rawdoc! { "_id": "half", "id": 7.5 }),
        (rawdoc! { "_id": "huge", "id": 1e300 }, rawdoc! { "_id": "huge", "id": 1e300 }),
        (rawdoc! { "_id": "none", "id": f64::NAN }, rawdoc! { "_id": "none", "id": f64::NAN }),
    ]
    .into_iter()
    .unzip();
    let place = mongo();
    place.put("todos", &given).await;
    let nothing = bson_file(folder.path(), &[]);
    let said = place.done("restore", &[&nothing, "--on-conflict", "skip"]);
    let warning = said.lines().find(|line| line.contains("WARN") && line.contains("id is a number")).expect(&said);
    run_in_shell(&place.database, warning);
    assert!(place.all("todos").await == sorted(&stored));
}

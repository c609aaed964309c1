//! JSON values: those that the real mongoimport takes have the same bytes with us, those that it refuses are refused.

use std::path::Path;

use bson::rawdoc;

use super::json_cases::{LEGACY, NOT_EVEN_LEGACY, REFUSED, TAKEN};
use crate::support::{Place, embedded, mongo, said, sorted};

fn written(folder: &Path, text: &str) -> String {
    let file = folder.join("todos.json").display().to_string();
    std::fs::write(&file, text).unwrap();
    file
}

/// A todo in each line, with one of the values.
fn lines(values: &[&str]) -> String {
    let line =
        |(n, value): (usize, &&str)| format!("{{\"_id\":\"{n}\",\"id\":\"{n}\",\"name\":\"A\",\"x\":{value}}}\n");
    values.iter().enumerate().map(line).collect()
}

async fn mongoimport(flags: &[&str], file: &str) -> Place {
    let place = mongo();
    place.collection("todos").await;
    let flags = [&["--db", &*place.database, "--collection", "todos", "--file", file], flags].concat();
    place.tool("mongoimport", &flags);
    place
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mongoimport_takes_has_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for (values, flags) in [(TAKEN, &[][..]), (LEGACY, &["--legacy"])] {
        let file = written(folder.path(), &lines(values));
        let theirs = mongoimport(flags, &file).await.all("todos").await;
        assert_eq!(theirs.len(), values.len());
        for ours in [mongo(), embedded()] {
            ours.done("import", &[&[&*file], flags].concat());
            for (ours, theirs) in ours.all("todos").await.iter().zip(&theirs) {
                let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                assert!(ours == theirs, "{:?} is not {:?}", shown(ours), shown(theirs));
            }
            let said = ours.done("verify", &[&["--against", &*file], flags].concat());
            assert!(said.contains("contents equal"), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mongoimport_refuses_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = mongo();
    for (values, flags) in [(REFUSED, &[][..]), (NOT_EVEN_LEGACY, &["--legacy"])] {
        for value in values {
            let text = format!("{{\"id\":\"0\",\"name\":\"A\"}}\n\n  {}", lines(&[value]));
            let file = written(folder.path(), &text);
            let said = embedded().fails("import", &[&[&*file], flags].concat());
            let place = said.contains("(line 3, column") || said.contains("it ends inside an object");
            assert!(place && said.contains("byte "), "{value}: {said}");
            let mut import = std::process::Command::new(test_servers::mongo_tool("mongoimport"));
            import.args(["--uri", &theirs.url, "--db", &theirs.database, "--collection", "refused", "--file", &file]);
            let output = import.args(flags).output().unwrap();
            assert!(!output.status.success(), "{value}: {}", crate::support::said(&output));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_that_differs_in_its_last_place_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    for place in [mongo(), embedded()] {
        place.done("import", &[&written(folder.path(), &lines(&["0.9690406502940995"]))]);
        let other = written(folder.path(), &lines(&["0.9690406502940996"]));
        assert!(place.fails("verify", &["--against", &other]).contains("1 different"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_kept_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let text = concat!(
        r#"{"id":"1","name":"old","x":1,"name":"new","y":{"a":1,"b":2,"a":3}}"#,
        "\n",
        r#"{"id":"2","name":"half \ud83d","x":{"a":1},"y":{"a":1}}"#
    );
    let place = embedded();
    let said = place.done("import", &[&written(folder.path(), text)]);
    assert!(said.contains("1 had a name twice in an object: the last value was taken\n  byte 0"), "{said}");
    assert!(said.contains("1 had half a surrogate pair in a text: U+FFFD stands in its place\n  byte 67"), "{said}");
    let expected = [
        rawdoc! { "_id": "1", "id": "1", "name": "new", "x": 1, "y": { "a": 3, "b": 2 } },
        rawdoc! { "_id": "2", "id": "2", "name": "half \u{fffd}", "x": { "a": 1 }, "y": { "a": 1 } },
    ];
    assert!(place.all("todos").await == sorted(&expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nesting_goes_as_deep_as_mongodb_stores_it() {
    let folder = tempfile::tempdir().unwrap();
    for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        // With the document itself, 180 levels.
        let file = written(folder.path(), &lines(&[&nested(129), &nested(179)]));
        let theirs = mongoimport(&[], &file).await.all("todos").await;
        for place in [mongo(), embedded()] {
            place.done("import", &[&file]);
            assert!(place.all("todos").await == theirs);
        }
        let file = written(folder.path(), &lines(&[&nested(180)]));
        let place = mongo();
        let output = place.of("import", &[&file]).output().unwrap();
        assert!(said(&output).contains("exceeds 180 levels of nesting"), "{}", said(&output));
        let file = written(folder.path(), &lines(&[&nested(100_000)]));
        assert!(embedded().fails("import", &[&file]).contains("nested deeper than 200 levels"));
    }
}

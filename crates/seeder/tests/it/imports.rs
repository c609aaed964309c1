//! Text: JSON and tables, right and wrong.

use std::path::Path;
use std::process::Stdio;

use bson::{Bson, doc, rawdoc};

use crate::support::{embedded, mongo, said, sorted};

fn written(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_without_a_key_takes_the_id_so_that_a_second_run_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let file =
        written(folder.path(), "todos.json", "[{\"name\":\"A\",\"id\":\"1\"} , {\"id\":\"2\",\"name\":\"B\"}]\n");
    for place in [mongo(), embedded()] {
        place.done("import", &[&file]);
        let expected = [rawdoc! { "_id": "1", "name": "A", "id": "1" }, rawdoc! { "_id": "2", "id": "2", "name": "B" }];
        assert!(place.all("todos").await == sorted(&expected));
        assert!(place.done("import", &[&file, "--resume"]).contains("2 were there already"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_text_with_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}id,name,description,tag\r\n007,\"Bond, \"\"James\"\"\",,x\r\n1,1,\"two\nlines\",\r\n";
    let place = embedded();
    place.done("import", &[&written(folder.path(), "todos.csv", text)]);
    let expected = [
        rawdoc! { "_id": "007", "id": "007", "name": "Bond, \"James\"", "tag": "x" },
        rawdoc! { "_id": "1", "id": "1", "name": "1", "description": "two\nlines" },
    ];
    assert!(place.all("todos").await == sorted(&expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_text_is_said_with_its_byte_and_what_came_before_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("{{\"a\":{}", "[".repeat(500) + &"]".repeat(500) + "}");
    for (name, text, word) in [
        ("a.json", "{\"id\":\"1\",\"name\":\"A\"}\n{\"id\":}", "byte 22: this is no JSON document"),
        ("b.json", "{\"id\":\"1\",\"name\":\"A\"} x", "byte 22: this is no JSON document: an object must come here"),
        ("c.json", "[{\"id\":\"1\",\"name\":\"A\"}", "it ends inside an array"),
        ("d.json", "{\"id\":\"1\",\"name\":\"A\"", "it ends inside an object"),
        ("e.json", "[{\"id\":\"1\",\"name\":\"A\"}] {}", "nothing more must come here"),
        ("f.json", "[{}{}]", "a comma or the end of the array must come here"),
        ("g.json", "[1]", "an object or the end of the array must come here"),
        ("h.json", "\"text\"", "an object, or an array of objects, must come here"),
        ("i.json", "{\"id\":\"1\",\"x\":{\"$oid\":\"short\"}}", "byte 0: this is no JSON document"),
        ("j.json", &deep, "it is nested deeper than 200 levels"),
        ("k.json", "{\"$oid\":\"0123456789abcdef01234567\"}", "it stands for a single value"),
        ("a.csv", "name\nA\n", "the header names no column id"),
        ("b.csv", "id,name,id\n", "the header names id twice"),
        ("c.csv", "id,name\n1,A\n2\n", "byte 12: this is no row of the table: it has 1 values, the header 2"),
    ] {
        let (place, file) = (embedded(), written(folder.path(), name, text));
        let said = place.fails("import", &[&file]);
        assert!(said.contains(word) && said.contains("byte "), "{name}: {said}");
    }
    let file = folder.path().join("d.csv");
    std::fs::write(&file, b"id,name\n1,\xff\n").unwrap();
    assert!(embedded().fails("import", &[file.to_str().unwrap()]).contains("byte 8"));
    let place = embedded();
    let file = written(folder.path(), "l.json", "{\"id\":\"1\",\"name\":\"A\"}\n{");
    assert!(place.fails("import", &[&file]).contains("1 todos were written; to go on: seeder import"));
    assert_eq!(place.count().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_of_gzip_text_is_taken_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zipped");
    let mut zip = flate2::write::GzEncoder::new(std::fs::File::create(&file).unwrap(), flate2::Compression::fast());
    for n in 0..2_000 {
        let line = Bson::Document(doc! { "id": n.to_string(), "name": "A" }).into_relaxed_extjson().to_string();
        std::io::Write::write_all(&mut zip, line.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let place = embedded();
    let mut command = place.of("import", &["-"]);
    let output = command.stdin(Stdio::from(std::fs::File::open(&file).unwrap())).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(place.count().await, 2_000);
}

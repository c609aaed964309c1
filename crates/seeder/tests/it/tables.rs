//! Tables: what is a row, and what is an error with its line and column.

use std::path::Path;

use bson::{RawDocumentBuf, rawdoc};

use crate::support::{embedded, mongo, sorted};

fn written(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn row(id: &str, name: &str) -> RawDocumentBuf {
    rawdoc! { "_id": id, "id": id, "name": name }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_be_read_in_one_way_is_read_so() {
    let folder = tempfile::tempdir().unwrap();
    let nested = rawdoc! { "_id": "1", "id": "1", "at": { "city": "Rome", "geo": { "x": "5" } }, "name": "A" };
    for (name, text, flags, expected) in [
        ("a.csv", "id,name\n1,A\n", &[][..], row("1", "A")),
        ("b.csv", "id,name\r\n1,A", &[], row("1", "A")),
        ("mac.csv", "id,name\r1,A\r", &[], row("1", "A")),
        ("blank.csv", "\n\nid,name\n\r\n1,A\n\n\n", &[], row("1", "A")),
        ("mark.csv", "\u{feff}id,name\n1,A\n", &[], row("1", "A")),
        ("excel.csv", "\u{feff}\"id\",\"name\"\r\n\"1\",\"A\"\r\n", &[], row("1", "A")),
        ("quote.csv", "id,name\n1,\"the \"\"A\"\"\"\n", &[], row("1", "the \"A\"")),
        ("lines.csv", "id,name\n1,\"a\r\nb,\nc\"\n", &[], row("1", "a\r\nb,\nc")),
        ("spaces.csv", " id , name\n1,  A \n", &[], row("1", "  A ")),
        ("empty.csv", "id,name,note\n1,A,\"\"\n", &[], row("1", "A")),
        ("unnamed", "1,A\n", &["--format", "csv", "--fields", "id,name"], row("1", "A")),
        ("headless.csv", "\u{feff}\"1\",A\n", &["--fields", "id,name"], row("1", "A")),
        ("a.tsv", "id\tname\n1\tA\n", &[], row("1", "A")),
        ("quotes.tsv", "id\tname\r\n1\t\"A, \"b\"\r\n", &[], row("1", "\"A, \"b\"")),
        ("headless.tsv", "1\tA", &["--fields", "id,name"], row("1", "A")),
        ("dots.csv", "id,at.city,name,at.geo.x,at.geo.y\n1,Rome,A,5,\n", &[], nested),
    ] {
        let (place, file) = (embedded(), written(folder.path(), name, text));
        place.done("import", &[&[&*file], flags].concat());
        assert!(place.all("todos").await == sorted(&[expected]), "{name}");
        let said = place.done("verify", &[&["--against", &*file], flags].concat());
        assert!(said.contains("contents equal"), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_be_read_in_two_ways_is_an_error_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (1..=57).map(|n| format!("{n},A\n")).collect();
    for (name, text, word) in [
        (
            "never.csv",
            format!("id,name\n0,\"A\n{rows}"),
            "the quote that opens here is never closed (line 2, column 3)",
        ),
        (
            "later.csv",
            format!("id,name\n0,\"A\n{rows}99,\"B\"\n"),
            "text behind the quote that closes a cell: double the",
        ),
        ("later2.csv", format!("id,name\n0,\"A\n{rows}99,\"B\"\n"), "(line 60, column 5)"),
        ("behind.csv", "id,name\n1,\"HC 73, \"D\"\"\n".into(), "(line 2, column 12)"),
        ("behind2.csv", "id,name\n1,\"A\" \n".into(), "text behind the quote that closes a cell"),
        ("bare.csv", "id,name\n1,A \"B\"\n".into(), "a quote in a cell that is not in quotes"),
        ("bare2.csv", "id,name\n1,5\"\n".into(), "(line 2, column 4)"),
        ("bare3.csv", "id,name\n1, \"A\"\n".into(), "(line 2, column 4)"),
        ("after.csv", "id,name\n1,\"é\nb\"\n2,\"\u{e9}\u{1f600}\"x\n".into(), "(line 4, column 7)"),
        ("few.csv", "id,name\n1,A\n\n2\n".into(), "it has 1 values, the header 2 (line 4, column 1)"),
        ("many.csv", "id,name\n1,A,B\n".into(), "it has 3 values, the header 2 (line 2, column 1)"),
        ("header.csv", "id,\"na\"me\n".into(), "(line 1, column 8)"),
        ("nothing.csv", String::new(), "the file is empty, it has no header"),
        ("both.csv", "id,a,a.b\n".into(), "a cannot be a value and have fields of its own, too"),
        ("dots.csv", "id,a..b\n".into(), "has a dot without a name beside it"),
        ("few.tsv", "id\tname\n1\n".into(), "it has 1 values, the header 2 (line 2, column 1)"),
    ] {
        let (place, file) = (embedded(), written(folder.path(), name, &text));
        let said = place.fails("import", &[&file]);
        assert!(said.contains(word) && said.contains("byte "), "{name}: {said}");
    }
    let todo = rawdoc! { "_id": "1", "id": "1", "name": "A" };
    for (name, bytes, word) in [
        ("todos.json", todo.as_bytes(), "this is no text but BSON, as mongodump makes it"),
        ("todos.csv", todo.as_bytes(), "there is `seeder restore`"),
        ("archive.json", &[&[0x6d, 0xe2, 0x99, 0x81][..], todo.as_bytes()].concat(), "there is `seeder restore`"),
        ("latin.csv", &b"id,name\n1,Caf\xe9\n"[..], "it is not UTF-8: convert the file"),
        ("latin2.csv", b"id,name\n1,Caf\xe9\n", "(line 2, column 6)"),
        ("wide.csv", b"\xff\xfei\0d\0", "this is UTF-16LE, not UTF-8: convert it"),
        ("wide2.csv", b"\xfe\xff\0i\0d", "this is UTF-16BE"),
        ("wide3.tsv", b"i\0d\0", "this is UTF-16LE"),
        ("wide.json", b"\xff\xfe{\0}\0", "this is UTF-16LE"),
        ("wide2.json", b"\0{\0}", "this is UTF-16BE"),
    ] {
        let (place, file) = (embedded(), written(folder.path(), name, bytes));
        let said = place.fails("import", &[&file]);
        assert!(said.contains(word), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_with_dots_are_what_mongoimport_makes_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let text = "_id,id,name,at.city,at.geo.x\na,a,A,Rome,east\nb,b,B,,\nc,c,C,,west\n";
    let file = written(folder.path(), "todos.csv", text);
    let (ours, theirs) = (mongo(), mongo());
    ours.done("import", &[&file]);
    theirs.collection("todos").await;
    let flags =
        ["--db", &theirs.database, "--collection", "todos", "--type=csv", "--headerline", "--ignoreBlanks", &file];
    theirs.tool("mongoimport", &flags);
    assert!(ours.all("todos").await == theirs.all("todos").await);
}

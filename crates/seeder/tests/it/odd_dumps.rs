//! Dumps that are not like most: of new and of old releases, with damage where nobody looks, with bytes that are no text.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use bson::{RawDocumentBuf, rawdoc};

use crate::samples::todos;
use crate::support::{embedded, mongo, said, sorted};

const TERMINATOR: [u8; 4] = [0xff; 4];
const MAGIC: [u8; 4] = [0x6d, 0xe2, 0x99, 0x81];

/// A collection of an archive: its name, what the prelude says of it, the name in its blocks.
struct Part<'a> {
    name: &'a str,
    metadata: &'a str,
    kind: &'a str,
    blocks: &'a str,
}

const TODOS: Part<'_> = Part { name: "todos", metadata: "", kind: "collection", blocks: "todos" };

/// Three todos in each of the collections.
fn archive(folder: &Path, parts: &[Part<'_>]) -> PathBuf {
    let mut bytes = MAGIC.to_vec();
    let header = rawdoc! { "concurrent_collections": 4, "version": "0.1", "server_version": "", "tool_version": "" };
    bytes.extend_from_slice(header.as_bytes());
    for Part { name, metadata, kind, .. } in parts {
        let described = rawdoc! { "db": "s", "collection": *name, "metadata": *metadata, "size": 0, "type": *kind };
        bytes.extend_from_slice(described.as_bytes());
    }
    bytes.extend_from_slice(&TERMINATOR);
    let documents: Vec<u8> = todos(3).iter().flat_map(|todo| todo.as_bytes().to_vec()).collect();
    let sum = crc::Crc::<u64>::new(&crc::CRC_64_XZ).checksum(&documents) as i64;
    for Part { blocks, .. } in parts {
        let header = |end: bool, sum: i64| rawdoc! { "db": "s", "collection": *blocks, "EOF": end, "CRC": sum };
        bytes.extend([header(false, 0).as_bytes(), &documents, &TERMINATOR].concat());
        bytes.extend([header(true, sum).as_bytes(), &TERMINATOR].concat());
    }
    let file = folder.join("archive");
    std::fs::write(&file, bytes).unwrap();
    file
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_metadata_of_another_collection_is_no_hindrance_and_of_ours_it_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let old_binary =
        r#"{"options":{"validator":{"u":{"$binary":"AAECAwQFBgcICQoLDA0ODw==","$type":"03"}}},"indexes":[]}"#;
    for (metadata, problem) in [
        ("{\"indexes\":[{\"key\":{\"a\"b\":1}}]}", Some("a colon must come here")),
        ("no JSON", Some("an object must come here")),
        ("{\"indexes\":[7]}", Some("an index must be an object")),
        ("{\"a\":{\"$oid\":\"\"}}", Some("$oid: it must be 24 hexadecimal digits")),
        (old_binary, None),
    ] {
        let other = Part { name: "x", metadata, kind: "collection", blocks: "x" };
        let file = archive(folder.path(), &[other, TODOS]);
        for flags in [&[][..], &["--ns", "s.todos"], &["--ns", "*.t*s"]] {
            let place = embedded();
            place.done("restore", &[&[text(&file)], flags].concat());
            assert!(place.all("todos").await == sorted(&todos(3)), "{metadata}");
        }
        match problem {
            None => assert!(embedded().done("restore", &[text(&file), "--ns", "s.x"]).starts_with("3 todos written")),
            Some(problem) => {
                let place = embedded();
                let said = place.fails("restore", &[text(&file), "--ns", "s.x"]);
                let begin = format!("the metadata of s.x cannot be read: {problem}");
                assert!(said.contains(&begin) && said.contains("byte "), "{said}");
            }
        }
    }
    let database = folder.path().join("dump/s");
    std::fs::create_dir_all(&database).unwrap();
    let documents: Vec<u8> = todos(3).iter().flat_map(|todo| todo.as_bytes().to_vec()).collect();
    for name in ["todos", "x"] {
        std::fs::write(database.join(format!("{name}.bson")), &documents).unwrap();
    }
    std::fs::write(database.join("x.metadata.json"), "{").unwrap();
    let dump = folder.path().join("dump");
    assert!(embedded().done("restore", &[text(&dump)]).starts_with("3 todos written from s.todos"));
    let said = embedded().fails("restore", &[text(&dump), "--ns", "s.x"]);
    assert!(said.contains("x.metadata.json") && said.contains("the metadata of s.x cannot be read"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_that_is_described_twice_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(archive(folder.path(), &[TODOS])).unwrap();
    let described = rawdoc! { "db": "s", "collection": "todos", "metadata": "", "size": 0, "type": "collection" };
    let end = bytes.windows(TERMINATOR.len()).position(|window| window == TERMINATOR).unwrap();
    let twice = folder.path().join("twice");
    std::fs::write(&twice, [&bytes[..end], described.as_bytes(), &bytes[end..]].concat()).unwrap();
    for flags in [&[][..], &["--ns", "s.todos", "--resume"]] {
        let place = embedded();
        assert!(place.done("restore", &[&[text(&twice)], flags].concat()).starts_with("3 todos written from s.todos"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_series_may_have_its_own_name_or_that_of_its_buckets() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = r#"{"options":{"timeseries":{"timeField":"t"}},"indexes":[],"type":"timeseries"}"#;
    for blocks in ["ts", "system.buckets.ts"] {
        let series = Part { name: "ts", metadata, kind: "timeseries", blocks };
        let file = archive(folder.path(), &[series, TODOS]);
        let place = embedded();
        let said = place.done("restore", &[text(&file)]);
        assert!(said.contains("not restored: s.ts (time-series)"), "{said}");
        assert!(place.all("todos").await == sorted(&todos(3)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_folder_are_what_they_are_called() {
    let folder = tempfile::tempdir().unwrap();
    let documents: Vec<u8> = todos(3).iter().flat_map(|todo| todo.as_bytes().to_vec()).collect();
    let log: Vec<u8> = rawdoc! { "op": "n", "ns": "" }.into_bytes();
    let fresh = |files: &[(&str, &[u8])]| {
        let dump = tempfile::tempdir_in(folder.path()).unwrap().keep();
        for (name, bytes) in files {
            let file = dump.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        dump
    };
    let prelude = br#"{"ServerVersion":"8.0.4","ToolVersion":"100.16.0"}"#;
    let described = br#"{"options":{},"indexes":[],"collectionName":"todos","type":"collection"}"#;
    for (files, path, flags, expected) in [
        // A collection that is called like the log of changes.
        (&[("shop/oplog.bson", &documents[..])][..], "", &[][..], Ok("shop.oplog")),
        (&[("oplog.bson", &log), ("s/todos.bson", &documents)], "", &[], Ok("s.todos")),
        (&[("oplog.bson", &log)], "", &[], Err("the folder holds no mongodump")),
        (&[("shop/oplog.bson", &documents)], "shop", &["--ns", "shop.oplog"], Ok("shop.oplog")),
        // New releases write a file about the dump beside the databases.
        (&[("prelude.json", prelude), ("s/todos.bson", &documents)], "", &[], Ok("s.todos")),
        (&[("prelude.json", prelude), ("todos.bson", &documents)], "", &[], Ok(".todos")),
        // A copy has the name of its file, whatever the metadata beside it was made for.
        (
            &[("s/todos_old.bson", &documents), ("s/todos_old.metadata.json", described)],
            "",
            &["--ns", "s.todos_old"],
            Ok("s.todos_old"),
        ),
        // A folder may be called like a database that MongoDB has for itself.
        (&[("local/todos.bson", &documents)], "local/todos.bson", &[], Ok("local.todos")),
        (&[("s/$admin.system.users.bson", &log), ("s/x.bson", &documents)], "", &[], Ok("s.x")),
        (&[("s/a%2Bb+c.bson", &documents)], "", &[], Ok("s.a+b c")),
        (&[("s/todos.bin", &documents)], "s/todos.bin", &[], Ok("s.todos")),
    ] {
        let (place, path) = (embedded(), fresh(files).join(path));
        let flags = [&[text(&path)], flags].concat();
        match expected {
            Ok(name) => {
                let said = place.done("restore", &flags);
                assert!(said.starts_with("3 todos written from ") && said.contains(&format!("{name} in ")), "{said}");
            }
            Err(word) => assert!(place.fails("restore", &flags).contains(word)),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_without_an_archive_are_taken_from_pipes_and_from_files_of_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let documents: Vec<u8> = todos(3).iter().flat_map(|todo| todo.as_bytes().to_vec()).collect();
    for (name, bytes) in [("plain", documents.clone()), ("zipped", crate::hostile::zipped(&documents))] {
        let file = folder.path().join(name);
        std::fs::write(&file, &bytes).unwrap();
        let place = embedded();
        let mut restore = place.of("restore", &["-"]);
        let output = restore.stdin(Stdio::from(std::fs::File::open(&file).unwrap())).output().unwrap();
        assert!(said(&output).starts_with("3 todos written from standard input"), "{}", said(&output));
        assert!(place.done("restore", &[text(&file), "--resume"]).contains("3 were there already"));
        assert!(place.done("verify", &["--against", text(&file)]).contains("contents equal"));
    }
    let archive = archive(folder.path(), &[TODOS]);
    for (name, bytes) in [
        ("archive.gz", std::fs::read(&archive).unwrap()),
        ("todos.bson.gz", documents),
        ("todos.json.gz", b"{}".to_vec()),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, crate::hostile::zipped(&crate::hostile::zipped(&bytes))).unwrap();
        let command = if name.contains("json") { "import" } else { "restore" };
        assert!(embedded().fails(command, &[text(&file)]).contains("gzip within gzip"), "{name}");
    }
    let named = folder.path().join("archive.bson");
    std::fs::rename(archive, &named).unwrap();
    assert!(embedded().done("restore", &[text(&named)]).starts_with("3 todos written from s.todos"));
}

/// A todo whose field `at` has bytes of Latin-1.
fn latin(id: &str, at: &str) -> RawDocumentBuf {
    let mut document = rawdoc! { "_id": id, "name": "J?rg", "id": id };
    let field = rawdoc! { "note": "caf?", "k?y": 1, "inside": { "list": ["?"] } };
    for element in field.iter() {
        let (key, value) = element.unwrap();
        if key.as_str() == at {
            document.append(key, value);
        }
    }
    let mut bytes = document.into_bytes();
    let place = match at {
        "name" => bytes.iter().position(|byte| *byte == b'?'),
        _ => bytes.iter().rposition(|byte| *byte == b'?'),
    };
    bytes[place.unwrap()] = 0xE9;
    RawDocumentBuf::from_bytes(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_that_are_not_utf8_keep_their_bytes_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = todos(50);
    all.extend(["name", "note", "k?y", "inside"].iter().enumerate().map(|(n, at)| latin(&format!("latin-{n}"), at)));
    all.extend(todos(100).split_off(50));
    let file = folder.path().join("todos.bson");
    std::fs::write(&file, all.iter().flat_map(|todo| todo.as_bytes().to_vec()).collect::<Vec<u8>>()).unwrap();
    for place in [mongo(), embedded()] {
        let said = place.done("restore", &[text(&file)]);
        assert!(said.starts_with("104 todos written"), "{said}");
        assert!(said.contains("4 have texts that are not UTF-8"), "{said}");
        assert!(said.contains("1 are no todos, but stored"), "only a name that is no text makes it one: {said}");
        assert!(place.all("todos").await == sorted(&all));
        assert!(place.done("restore", &[text(&file), "--resume"]).contains("104 were there already"));
        assert!(place.done("verify", &["--against", text(&file)]).contains("contents equal"));
        let again = folder.path().join("again");
        place.done("dump", &[text(&again)]);
        let copy = embedded();
        copy.done("restore", &[text(&again)]);
        assert!(copy.all("todos").await == sorted(&all), "through an archive of ours");
    }
    let theirs = mongo();
    theirs.collection("todos").await;
    theirs.tool("mongorestore", &["--db", &theirs.database, "--collection", "todos", text(&file)]);
    assert!(theirs.all("todos").await == sorted(&all), "as mongorestore");
}

//! Ids that no todo has: they are stored, compared and shown as what they are, and never as a query or a command.

use bson::{Regex, cstr, rawdoc};

use crate::samples::todos;
use crate::support::{bson_file, embedded, mongo, sorted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_patterns_and_arrays_are_values_and_no_queries() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = Regex { pattern: cstr!(".*").into(), options: cstr!("").into() };
    let all = vec![
        rawdoc! { "_id": { "x": 1 }, "id": { "$x": { "$in": [1] } }, "name": "A" },
        rawdoc! { "_id": 2, "id": { "$ne": 5 }, "name": "B" },
        rawdoc! { "_id": 3, "id": pattern, "name": "C" },
        rawdoc! { "_id": 4, "id": ["x", "y"], "name": "D" },
        rawdoc! { "_id": 5, "id": "text", "name": "E" },
        rawdoc! { "_id": { "a": 1 }, "id": { "b": 1 }, "name": "F" },
    ];
    let file = bson_file(folder.path(), &all);
    let place = mongo();
    for flags in [&[][..], &["--resume"], &["--on-conflict", "replace"], &["--on-conflict", "skip"]] {
        place.done("restore", &[&[file.as_str()][..], flags].concat());
        assert!(place.all("todos").await == sorted(&all), "{flags:?}");
    }
    assert!(place.done("verify", &["--against", &file]).contains("contents equal"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_is_not_stored_is_a_failure_unless_that_is_wished() {
    let folder = tempfile::tempdir().unwrap();
    let numbered: Vec<_> = (0..50).map(|n| rawdoc! { "_id": n, "id": n, "name": "A" }).collect();
    let file = bson_file(folder.path(), &numbered);
    for place in [embedded(), embedded()] {
        let said = place.fails("restore", &[&file]);
        assert!(said.contains("0 todos written") && said.contains("50 NOT STORED"), "{said}");
        place.done("restore", &[&file, "--skip-invalid"]);
        assert_eq!(place.count().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_from_a_file_or_a_server_steers_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\n\u{202e}";
    let file = bson_file(
        folder.path(),
        &[rawdoc! { "_id": 1, "id": evil, "name": 5 }, rawdoc! { "_id": 2, "id": evil, "name": "A" }],
    );
    let place = mongo();
    for said in [place.fails("restore", &[&file]), place.fails("restore", &[&file, "--strict", "--resume"])] {
        assert!(said.contains("u{1b}"), "it is shown escaped: {said}");
        assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_goes_through_links_and_pipes_and_never_onto_its_store() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let place = embedded();
    place.put("todos", &todos(100)).await;
    let path = std::path::Path::new(place.url.strip_prefix("redb:").unwrap()).to_owned();
    let folder = path.parent().unwrap().to_owned();
    let link = folder.join("link-to-store");
    symlink(&path, &link).unwrap();
    for file in [&path, &link] {
        assert!(place.fails("dump", &[file.to_str().unwrap()]).contains("is the store itself"));
    }
    assert_eq!(place.count().await, 100);

    let (archive, link) = (folder.join("archive"), folder.join("link"));
    symlink("archive", &link).unwrap();
    for _ in 0..2 {
        place.done("dump", &[link.to_str().unwrap()]);
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink() && archive.is_file());
        assert!(place.done("verify", &["--against", link.to_str().unwrap()]).contains("contents equal"));
    }

    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    place.done("dump", &[pipe.to_str().unwrap()]);
    assert_eq!(reader.join().unwrap(), std::fs::read(&archive).unwrap());
    assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());

    let output = place.of("dump", &["/dev/stdout"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let archived = std::fs::read(&archive).unwrap();
    assert!(output.stdout.starts_with(&archived), "all bytes come through");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_reading_ends_a_dump_quietly() {
    let place = embedded();
    place.done("generate", &["--count", "50000"]);
    let mut child = place.of("dump", &["-"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

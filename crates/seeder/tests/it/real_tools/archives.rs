//! Archives of the real mongodump, restored by us.

use std::process::Stdio;

use bson::doc;
use test_servers::shared_mongo;

use crate::samples::{of_all_types, todo, todos};
use crate::support::{Place, embedded, mongo, sorted};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_comes_back_byte_by_byte_from_plain_and_gzip_archives_into_either_store() {
    let (from, folder) = (mongo(), folder());
    let mut all = of_all_types();
    all.extend(todos(2_500));
    from.put("todos", &all).await;
    for (name, flags) in [("plain", &[][..]), ("zipped", &["--gzip"])] {
        let file = folder.path().join(name);
        from.mongodump(&file, flags);
        for to in [mongo(), embedded()] {
            let said = to.done("restore", &[file.to_str().unwrap()]);
            assert!(said.starts_with(&format!("{} todos written from {}.todos", all.len(), from.database)), "{said}");
            assert!(to.all("todos").await == sorted(&all), "{name} into {}", to.url);
            assert!(to.done("verify", &["--against", file.to_str().unwrap()]).contains("contents equal"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_interleaved_collections_one_is_chosen_and_the_others_are_named() {
    let (from, folder) = (mongo(), folder());
    // mongodump writes a block when it has 16 MiB: only large collections are interleaved.
    let filler = "x".repeat(9_000);
    let all: Vec<_> = (1..=2_000).map(|n| todo(n, &filler)).collect();
    for collection in ["todos", "others", "third"] {
        from.put(collection, &all).await;
    }
    from.put("small", &todos(10)).await;
    from.collection("empty").await;
    let file = folder.path().join("archive");
    from.mongodump(&file, &["--numParallelCollections", "4", "--gzip"]);
    let (to, file) = (mongo(), file.to_str().unwrap());
    let said = to.done("restore", &[file]);
    for other in ["others", "third", "small", "empty"] {
        assert!(said.contains(&format!("{}.{other}", from.database)), "{said}");
    }
    assert!(to.all("todos").await == sorted(&all));
    let third = format!("{}.third", from.database);
    to.done("restore", &[file, "--ns", &third, "--drop"]);
    assert!(to.all("todos").await == sorted(&all));
    let empty = format!("{}.empty", from.database);
    let said = to.fails("restore", &[file, "--ns", &empty, "--drop"]);
    assert!(said.contains("there is no document in it; nothing was removed"), "{said}");
    assert!(to.all("todos").await == sorted(&all));
    assert!(mongo().done("restore", &[file, "--ns", &empty]).starts_with("0 todos written"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_collection_called_todos_nothing_is_guessed() {
    let (from, folder) = (mongo(), folder());
    let file = folder.path().join("archive");
    from.put("items", &todos(3)).await;
    from.mongodump(&file, &[]);
    let (to, shown) = (mongo(), file.to_str().unwrap());
    assert!(to.done("restore", &[shown]).starts_with("3 todos written"), "the only one");
    from.put("things", &todos(3)).await;
    from.mongodump(&file, &[]);
    let to = mongo();
    let said = to.fails("restore", &[shown, "--drop"]);
    assert!(said.contains(&format!("--ns: {0}.items, {0}.things", from.database)), "{said}");
    let said = to.fails("restore", &[shown, "--ns", "test.nothing"]);
    assert!(said.contains("there is no test.nothing in it, but"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_and_time_series_are_named_and_refused() {
    let (from, folder) = (mongo(), folder());
    from.put("todos", &todos(3)).await;
    let server = shared_mongo();
    server.run_command(&from.database, doc! { "create": "seen", "viewOn": "todos", "pipeline": [] });
    server.run_command(&from.database, doc! { "create": "times", "timeseries": { "timeField": "t" } });
    let rows = vec![doc! { "t": bson::DateTime::now(), "x": 1 }];
    server.run_command(&from.database, doc! { "insert": "times", "documents": rows });
    let file = folder.path().join("archive");
    from.mongodump(&file, &[]);
    let dump = folder.path().join("dump");
    from.tool("mongodump", &["--db", &from.database, "--out", dump.to_str().unwrap()]);
    for file in [&file, &dump] {
        let (to, file) = (mongo(), file.to_str().unwrap());
        let said = to.done("restore", &[file]);
        assert!(said.contains(".seen (a view)") && said.contains(".times (time-series)"), "{said}");
        for (collection, word) in [("seen", "is a view"), ("times", "is a time-series collection")] {
            let said = to.fails("restore", &[file, "--resume", "--ns", &format!("{}.{collection}", from.database)]);
            assert!(said.contains(word), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_was_dumped_with_its_documents_is_restored_as_mongorestore_does() {
    let (from, folder) = (mongo(), folder());
    from.put("all", &todos(5)).await;
    shared_mongo().run_command(&from.database, doc! { "create": "todos", "viewOn": "all", "pipeline": [] });
    let (file, dump) = (folder.path().join("archive"), folder.path().join("dump"));
    let flags = ["--collection", "todos", "--viewsAsCollections"];
    from.mongodump(&file, &flags);
    from.tool("mongodump", &[&["--db", &from.database, "--out", dump.to_str().unwrap()], &flags[..]].concat());
    for file in [file, dump.clone(), dump.join(&from.database).join("todos.bson")] {
        for to in [mongo(), embedded()] {
            to.done("restore", &[file.to_str().unwrap()]);
            assert!(to.all("todos").await == sorted(&todos(5)), "{}", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_and_single_files_are_restored_as_archives_are() {
    let (from, folder) = (mongo(), folder());
    let all = of_all_types();
    from.put("todos", &all).await;
    from.put("a/b c%", &todos(5)).await;
    for flags in [&[][..], &["--gzip"]] {
        let dump = folder.path().join(format!("dump{}", flags.len()));
        let out = dump.to_str().unwrap();
        from.tool("mongodump", &[&["--db", &from.database, "--out", out], flags].concat());
        let database = dump.join(&from.database);
        let single = database.join(if flags.is_empty() { "todos.bson" } else { "todos.bson.gz" });
        for path in [&dump, &database, &single] {
            for to in [mongo(), embedded()] {
                to.done("restore", &[path.to_str().unwrap()]);
                assert!(to.all("todos").await == sorted(&all), "{}", path.display());
            }
        }
        let to = mongo();
        to.done("restore", &[out, "--ns", &format!("{}.a/b c%", from.database)]);
        assert!(to.all("todos").await == sorted(&todos(5)));
    }
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(mongo().fails("restore", &[empty.to_str().unwrap()]).contains("holds no mongodump"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_are_made_and_options_are_named() {
    let (from, folder) = (mongo(), folder());
    let server = shared_mongo();
    server.run_command(&from.database, doc! { "create": "todos", "validator": { "name": { "$exists": true } } });
    from.put("todos", &todos(20)).await;
    let indexes = vec![
        doc! { "key": { "name": 1, "description": -1 }, "name": "by_name" },
        doc! { "key": { "name": "text" }, "name": "words" },
        doc! { "key": { "name": 1 }, "name": "one_name", "unique": true, "partialFilterExpression": { "id": "1" } },
    ];
    server.run_command(&from.database, doc! { "createIndexes": "todos", "indexes": indexes });
    let file = folder.path().join("archive");
    from.mongodump(&file, &[]);
    let (to, file) = (mongo(), file.to_str().unwrap());
    let said = to.done("restore", &[file]);
    assert!(said.contains("made the indexes by_name, words, one_name"), "{said}");
    assert!(said.contains("options validator"), "{said}");
    let listed = |place: Place| async move { place.collection("todos").await.indexes().await.unwrap() };
    let (made, expected) = (listed(to).await, listed(from).await);
    let sorted = |indexes: &todo_store::raw::Documents| {
        let mut all: Vec<_> = indexes.iter().map(<[u8]>::to_vec).collect();
        all.sort();
        all
    };
    assert_eq!(sorted(&made), sorted(&expected));
    let said = embedded().done("restore", &[file]);
    assert!(said.contains("not made") && said.contains("by_name"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_taken_from_standard_input() {
    let (from, folder) = (mongo(), folder());
    from.put("todos", &todos(3_000)).await;
    let file = folder.path().join("archive");
    for flags in [&[][..], &["--gzip"]] {
        from.mongodump(&file, flags);
        let to = mongo();
        let mut command = to.of("restore", &["-"]);
        command.stdin(Stdio::from(std::fs::File::open(&file).unwrap()));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", crate::support::said(&output));
        assert!(to.all("todos").await == sorted(&todos(3_000)));
    }
}

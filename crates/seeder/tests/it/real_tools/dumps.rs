//! Archives of ours, restored by the real mongorestore.

use std::path::Path;
use std::process::{Command, Stdio};

use bson::{RawBsonRef, RawDocument};
use seeder::archive::reader::Archive;
use seeder::input::Input;
use test_servers::{fresh_name, mongo_tool};

use crate::samples::{of_all_types, todos};
use crate::support::{Place, embedded, mongo, said, sorted};

fn mongorestore(file: &str, flags: &[&str]) -> Place {
    let to = Place { database: fresh_name("restored"), ..mongo() };
    let rename = format!("{}.*", to.database);
    let archive = format!("--archive={file}");
    to.tool("mongorestore", &[&[archive.as_str(), "--nsFrom", "dumped.*", "--nsTo", &rename], flags].concat());
    to
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_comes_back_from_either_store_plain_and_gzip() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = of_all_types();
    all.extend(todos(2_500));
    for mut from in [mongo(), embedded()] {
        if from.url.starts_with("mongodb") {
            from.database = "dumped".to_owned();
            from.collection("todos").await.clear().await.unwrap();
        }
        from.put("todos", &all).await;
        let from = Place { database: "dumped".to_owned(), ..from };
        for (name, flags) in [("plain", &[][..]), ("zipped", &["--gzip"])] {
            let file = folder.path().join(name);
            let file = file.to_str().unwrap();
            let report = from.done("dump", &[&[file], flags].concat());
            assert!(report.starts_with(&format!("{} todos written to {file}", all.len())), "{report}");
            let to = mongorestore(file, flags);
            assert!(to.all("todos").await == sorted(&all), "{name} from {}", from.url);
            let ours = mongo();
            ours.done("restore", &[file]);
            assert!(ours.all("todos").await == sorted(&all));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_store_is_an_archive_too_and_indexes_go_along() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("archive");
    let from = embedded();
    drop(from.open().await);
    let from = Place { database: "dumped".to_owned(), ..from };
    from.done("dump", &[file.to_str().unwrap()]);
    let to = mongorestore(file.to_str().unwrap(), &[]);
    assert_eq!(to.count().await, 0);
    let indexes = to.collection("todos").await.indexes().await.unwrap();
    assert_eq!(indexes.len(), 2, "on _id, and the unique one on id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_pipes_nothing_is_lost() {
    let (from, to) = (embedded(), embedded());
    from.done("generate", &["--count", "20000"]);
    let mut dump = from.of("dump", &["-", "--gzip"]).spawn().unwrap();
    let restored = to.of("restore", &["-"]).stdin(Stdio::from(dump.stdout.take().unwrap())).output().unwrap();
    assert!(restored.status.success(), "{}", said(&restored));
    let dumped = dump.wait_with_output().unwrap();
    assert!(dumped.status.success() && said(&dumped).contains("20000 todos written to standard output"));
    assert!(to.done("verify", &["--seed", "42", "--count", "20000"]).contains("contents equal those of seed 42"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_leaves_no_file_and_takes_none_away() {
    let folder = tempfile::tempdir().unwrap();
    let from = embedded();
    from.done("generate", &["--count", "10"]);
    let nowhere = folder.path().join("no/such/folder");
    assert!(from.fails("dump", &[nowhere.to_str().unwrap()]).contains("cannot be written"));
    assert!(from.fails("dump", &["/dev/full"]).contains("cannot be written"));
    let file = folder.path().join("archive");
    std::fs::write(&file, "old").unwrap();
    let said = embedded().fails("dump", &[file.to_str().unwrap()]);
    assert!(said.contains("does not exist"), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), b"old");
    from.done("dump", &[file.to_str().unwrap()]);
    assert!(std::fs::read(&file).unwrap().starts_with(&[0x6d, 0xe2, 0x99, 0x81]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half written is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_header_of_an_archive_says_what_that_of_mongodump_says() {
    let folder = tempfile::tempdir().unwrap();
    let header = |file: &Path| {
        let archive = Archive::open(Input::open(file).unwrap()).unwrap();
        let bytes = std::fs::read(file).unwrap();
        let about =
            RawDocument::from_bytes(&bytes[4..4 + i32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize]);
        let about = about.unwrap();
        let names: Vec<String> = about.iter().map(|field| field.unwrap().0.as_str().to_owned()).collect();
        assert!(matches!(about.get("concurrent_collections"), Ok(Some(RawBsonRef::Int32(1..)))));
        assert!(!about.get_str("tool_version").unwrap().is_empty());
        (names, about.get_str("version").unwrap().to_owned(), archive.prelude().server_version.clone())
    };
    let (from, local) = (mongo(), embedded());
    from.put("todos", &todos(3)).await;
    local.put("todos", &todos(3)).await;
    let [ours, theirs, of_redb] = ["ours", "theirs", "redb"].map(|name| folder.path().join(name));
    from.done("dump", &[ours.to_str().unwrap()]);
    from.mongodump(&theirs, &[]);
    local.done("dump", &[of_redb.to_str().unwrap()]);
    assert_eq!(header(&ours), header(&theirs));
    // mongorestore since 100.16 refuses an archive whose server has no version of three numbers.
    let (names, version, server) = header(&of_redb);
    assert_eq!((names, version), (header(&theirs).0, header(&theirs).1));
    let numbers: Vec<_> = server.split('.').map(str::parse::<u32>).collect();
    assert!(numbers.len() == 3 && numbers.iter().all(Result::is_ok), "{server}");
}

#[test]
fn the_real_tools_are_there() {
    for name in ["mongodump", "mongorestore", "mongoimport", "mongoexport"] {
        let version = Command::new(mongo_tool(name)).arg("--version").output().unwrap();
        assert!(version.status.success());
    }
}

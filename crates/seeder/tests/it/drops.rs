//! `--drop`: nothing is removed before what takes its place is there, and the database that is meant is the one of the URL.

use std::path::{Path, PathBuf};
use std::process::Command;

use bson::doc;
use test_servers::{fresh_name, shared_mongo};

use crate::samples::todos;
use crate::support::{Place, embedded, mongo, said, sorted};

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn bson(count: u32) -> Vec<u8> {
    todos(count).iter().flat_map(|todo| todo.as_bytes().to_vec()).collect()
}

/// The collections of a database that a broken run may have left.
fn leftovers(place: &Place) -> Vec<String> {
    let Some(path) = place.url.strip_prefix("redb:") else {
        let list = shared_mongo().run_command(&place.database, doc! { "listCollections": 1, "nameOnly": true });
        let text = list.to_string();
        return text.split('"').filter(|word| word.contains(".loading")).map(str::to_owned).collect();
    };
    let names = std::fs::read_dir(Path::new(path).parent().unwrap()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(".loading")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_fails_at_any_point_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let whole = bson(25_000);
    let mut damaged_first = whole.clone();
    damaged_first[4] = 0x7e;
    let half = whole[..whole.len() / 2 - 1].to_vec();
    let twice = [bson(10), bson(10)[..].to_vec(), {
        let other = bson::rawdoc! { "_id": "other", "id": "3", "name": "again" };
        other.into_bytes()
    }]
    .concat();
    for (command, name, bytes, words) in [
        ("restore", "first.bson", &damaged_first, "damaged"),
        ("restore", "half.bson", &half, "cut off"),
        ("restore", "empty.bson", &Vec::new(), "there is no document in it"),
        ("restore", "twice.bson", &twice, "conflicts with another"),
        ("import", "archive.json", &whole, "this is no text but BSON"),
        ("restore", "list", &b"[]".to_vec(), "no mongodump archive"),
        ("import", "empty.json", &Vec::new(), "there is no document in it"),
        ("import", "second.json", &b"{\"id\":\"1\",\"name\":\"A\"}\n{".to_vec(), "it ends inside an object"),
        ("import", "header.csv", &b"id,name\n".to_vec(), "there is no document in it"),
    ] {
        let path = file(folder.path(), name, bytes);
        for place in [mongo(), embedded()] {
            place.put("todos", &todos(3)).await;
            let said = place.fails(command, &[path.to_str().unwrap(), "--drop"]);
            assert!(said.contains(words), "{name}: {said}");
            assert!(said.contains("nothing was removed") && said.contains("is as it was"), "{name}: {said}");
            // A slow machine also says how far it is.
            assert_eq!(said.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{said}");
            assert!(place.all("todos").await == sorted(&todos(3)), "{name}");
            assert_eq!(leftovers(&place), Vec::<String>::new(), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_reaches_its_end_replaces_everything_and_keeps_the_unique_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "todos.bson", &bson(3_000));
    for place in [mongo(), embedded()] {
        // Also where there was nothing.
        for _ in 0..2 {
            place.done("restore", &[path.to_str().unwrap(), "--drop"]);
            assert!(place.all("todos").await == sorted(&todos(3_000)));
            assert_eq!(leftovers(&place), Vec::<String>::new());
        }
        place.done("generate", &["--count", "50", "--drop"]);
        assert!(place.done("verify", &["--seed", "42", "--count", "50"]).contains("contents equal"));
        if place.url.starts_with("mongodb") {
            let indexes = shared_mongo().run_command(&place.database, doc! { "listIndexes": "todos" });
            assert!(indexes.to_string().contains("unique"), "{indexes}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_a_service_has_open_is_not_replaced_and_a_link_is_followed() {
    let place = embedded();
    place.put("todos", &todos(3)).await;
    let open = place.open().await;
    let said = place.fails("generate", &["--count", "5", "--drop"]);
    assert!(said.contains("open in another process"), "{said}");
    assert_eq!(open.count().await.unwrap(), 3);
    drop(open);
    let path = Path::new(place.url.strip_prefix("redb:").unwrap());
    let link = path.with_file_name("link.redb");
    std::os::unix::fs::symlink(path, &link).unwrap();
    let linked = Place { url: format!("redb:{}", link.display()), ..embedded() };
    linked.done("generate", &["--count", "5", "--drop"]);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(place.count().await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_of_the_url_is_meant_and_named() {
    let (named, asked) = (fresh_name("named"), fresh_name("asked"));
    let server = shared_mongo().url();
    let (host, options) = server.split_once('?').map_or((server.as_str(), ""), |(host, options)| (host, options));
    let url = format!("{}/{named}?{options}", host.trim_end_matches('/'));
    let run = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
        command.env_remove("TODO_DATABASE").args(["generate", "--store", &url]).args(flags);
        command.output().unwrap()
    };
    assert!(run(&["--count", "7"]).status.success());
    assert!(run(&["--count", "9", "--database", &asked]).status.success());
    for (database, count) in [(&named, 7), (&asked, 9)] {
        let place = Place { database: database.clone(), ..mongo() };
        assert_eq!(place.count().await, count);
    }
    let refused = said(&run(&["--count", "7"]));
    assert!(refused.contains(&format!("/{named} holds 7 todos already")), "{refused}");
    let refused = said(&run(&["--count", "7", "--database", &asked]));
    assert!(refused.contains(&format!("/{asked} holds 9 todos already")), "{refused}");
    for wrong in ["", "a.b", "a/b", "a b"] {
        assert_eq!(run(&["--database", wrong]).status.code(), Some(2), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_without_effect_are_named_in_one_warning() {
    let place = mongo();
    let and = if place.url.contains('?') { "&" } else { "/?" };
    let url = format!("{}{and}readPreference=secondary&w=1&compressors=zstd", place.url);
    let place = Place { url, ..place };
    let said = place.done("generate", &["--count", "3"]);
    let warnings: Vec<_> = said.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{said}");
    for name in ["readPreference=secondary", "w=1", "compressors"] {
        assert!(warnings[0].contains(name), "{said}");
    }
}

/// The test shell limits the size of files, as a full disk does; also root obeys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_is_of_what_is_on_disk_when_the_disk_is_full() {
    for kilobytes in [5_000, 15_000, 30_000] {
        let place = embedded();
        let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
        let seeder = env!("CARGO_BIN_EXE_seeder");
        let mut command = Command::new("bash");
        command.args(["-c", &script, seeder, "generate", "--store", &place.url, "--count", "2000000"]);
        let output = command.output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let last = text.lines().last().unwrap();
        let written = last.split(" todos were written").next().unwrap().rsplit(' ').next().unwrap();
        let written: u64 = written.parse().unwrap_or_else(|_| panic!("{text}"));
        assert_eq!(place.count().await, written, "{text}");
    }
}

//! `seeder verify`: what it finds, and its exit code.

use bson::{doc, rawdoc};
use test_servers::shared_mongo;

use crate::samples::{todo, todos};
use crate::support::{embedded, mongo, said};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seeded_store_equals_its_seed_and_no_other() {
    for place in [mongo(), embedded()] {
        place.done("generate", &["--count", "3000", "--seed", "7"]);
        let said = place.done("verify", &["--seed", "7"]);
        assert!(
            said.contains("3000 documents, 3000 todos") && said.contains("contents equal those of seed 7"),
            "{said}"
        );
        let said = place.fails("verify", &["--seed", "8"]);
        assert!(said.contains("do NOT equal") && said.contains("3000 different"), "{said}");
        let said = place.fails("verify", &["--seed", "7", "--count", "3010"]);
        assert!(said.contains("10 missing"), "{said}");
        let said = place.fails("verify", &["--seed", "7", "--count", "2990"]);
        assert!(said.contains("10 too many"), "{said}");
        place.put("todos", &[rawdoc! { "_id": "x", "id": "x", "name": "A" }]).await;
        assert!(place.done("verify", &[]).contains("3001 documents"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_and_what_is_no_todo_are_found() {
    let place = mongo();
    // A collection without the unique index, as another program may make it.
    let rows = vec![
        doc! { "_id": 1, "id": "1", "name": "A" },
        doc! { "_id": 2, "id": "1", "name": "A" },
        doc! { "_id": 3, "id": "3", "name": "x".repeat(1_001) },
        doc! { "_id": 4, "id": "4", "name": "A", "description": "x".repeat(10_001) },
        doc! { "_id": 5, "id": 1, "name": "A" },
    ];
    shared_mongo().run_command(&place.database, doc! { "insert": "todos", "documents": rows });
    let said = place.fails("verify", &[]);
    assert!(said.contains("5 documents, 2 todos") && said.contains("3 no todos"), "{said}");
    assert!(said.contains("1 with an id that another has") && said.contains("id 1"), "{said}");
    assert!(said.contains("name: must be at most 1000 characters, is 1001"), "{said}");
    let indexes = shared_mongo().run_command(&place.database, doc! { "listIndexes": "todos" });
    assert!(!indexes.to_string().contains("id_1"), "nothing was changed: {indexes}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn against_a_file_every_difference_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("todos.bson");
    let bytes: Vec<u8> = todos(2_500).iter().flat_map(|todo| todo.as_bytes().to_vec()).collect();
    std::fs::write(&file, bytes).unwrap();
    let file = file.to_str().unwrap();
    for place in [mongo(), embedded()] {
        place.put("todos", &todos(2_500)).await;
        assert!(place.done("verify", &["--against", file]).contains("contents equal"));
        let other = mongo();
        other.put("todos", &todos(2_400)[1..]).await;
        other.put("todos", &[todo(1, "changed"), rawdoc! { "_id": "x", "id": "x", "name": "A" }]).await;
        let said = other.fails("verify", &["--against", file]);
        for words in ["2399 equal", "1 different", "byte 0: id 1", "100 missing", "1 too many"] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_not_there_is_not_made() {
    let place = embedded();
    assert!(place.fails("verify", &[]).contains("does not exist"));
    assert!(!std::path::Path::new(place.url.strip_prefix("redb:").unwrap()).exists());
}

/// redb panics over some pages that no redb wrote: what was read until then is not all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_a_failure_and_never_an_empty_one() {
    let place = embedded();
    place.done("generate", &["--count", "50"]);
    place.done("verify", &["--seed", "42"]);
    let file = std::path::PathBuf::from(place.url.strip_prefix("redb:").unwrap());
    let whole = std::fs::read(&file).unwrap();
    let archive = file.with_extension("archive");
    let mut damaged = 0;
    // How many entries a page has stands at its begin.
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096 + 3] ^= 0xff;
        std::fs::write(&file, bytes).unwrap();
        for (name, flags) in [("verify", vec![]), ("dump", vec![archive.to_str().unwrap()])] {
            let output = place.of(name, &flags).output().unwrap();
            let line = said(&output);
            if output.status.success() {
                assert!(line.contains("50 "), "{name}, page {page}: {line}");
            } else {
                damaged += usize::from(line.contains("the file is damaged"));
            }
        }
    }
    assert!(damaged >= 2, "{damaged}");
}

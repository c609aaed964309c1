//! The archive that is part of the repository, made by the real mongodump (`scripts/dump`).

use crate::support::{embedded, mongo};

const ARCHIVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/testdata/todos-2000.archive.gz");

#[test]
fn it_holds_the_first_2000_todos_of_seed_42() {
    for place in [embedded(), mongo()] {
        let said = place.done("restore", &[ARCHIVE, "--strict"]);
        assert!(said.starts_with("2000 todos written from test.todos"), "{said}");
        assert!(place.done("verify", &["--seed", "42"]).contains("2000 documents, 2000 todos"));
        assert!(place.done("verify", &["--against", ARCHIVE]).contains("contents equal"));
    }
}

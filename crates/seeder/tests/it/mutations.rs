//! Thousands of changed files: whatever the bytes are, reading them ends with documents or an error. `fuzz/` does the same
//! for as long as one likes.

use std::io::Cursor;

use bson::{Bson as Value, doc};
use proptest::prelude::*;
use seeder::source::csv::Csv;
use seeder::source::input::Input;
use seeder::source::json::Json;
use seeder::source::{Bson, Source};

use crate::hostile::{MAGIC, archive, documents, zipped};

/// Nothing but an error may come of any bytes.
fn read_all(mut source: Source) {
    while let Ok(true) = source.read_next() {
        let mut documents = todo_store::raw::Documents::default();
        if documents.push(source.document()).is_ok() {
            let _ = todo_store::raw::todo(source.document());
        }
        let _ = seeder::bulk_load::id_first::id_first(source.document());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_an_archive_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        zip in any::<bool>(),
    ) {
        let mut bytes = if zip { zipped(&archive()) } else { archive() };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() * 2).min(bytes.len()));
        let _ = documents(bytes);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let framed = [&MAGIC[..], &bytes].concat();
        let _ = documents(framed);
        let input = |bytes: &[u8]| Input::new("f", Cursor::new(bytes.to_vec())).unwrap();
        if let Ok(csv) = Input::new("f", Cursor::new([b"id,name\n", &bytes[..]].concat()))
            .and_then(Csv::new)
        {
            read_all(Source::Csv(Box::new(csv)));
        }
        read_all(Source::Json(Json::new(input(&bytes))));
        read_all(Source::Bson(Bson::new(input(&bytes))));
    }

    #[test]
    fn no_damaged_document_is_passed_on(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let document = doc! { "id": "1", "a": { "b": ["x", 1.5, { "$c": Value::Null }] }, "name": "A" };
        let mut bytes = document.to_vec().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        read_all(Source::Bson(Bson::new(Input::new("f", Cursor::new(bytes)).unwrap())));
    }

    #[test]
    fn no_text_makes_the_json_reader_panic(text in r#"[\[\]{}",:a-z0-9\\$ ]{0,60}"#) {
        read_all(Source::Json(Json::new(Input::new("f", Cursor::new(text.into_bytes())).unwrap())));
    }
}

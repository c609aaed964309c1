//! Thousands of changed files: whatever the bytes are, reading them ends with documents or an error. `fuzz/` does the same
//! for as long as one likes.

use std::io::Cursor;

use bson::{Bson as Value, doc};
use proptest::prelude::*;
use seeder::extended_json::Dialect;
use seeder::input::Input;
use seeder::source::json::Json;
use seeder::source::table::{Separator, Table};
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
        for separator in [Separator::Comma, Separator::Tab] {
            let table = match separator {
                Separator::Comma => [b"id,name\n", &bytes[..]].concat(),
                Separator::Tab => [b"id\tname\n", &bytes[..]].concat(),
            };
            if let Ok(table) = Table::new(input(&table), separator, None) {
                read_all(Source::Table(Box::new(table)));
            }
        }
        for dialect in [Dialect::Json, Dialect::Shell] {
            if let Ok(json) = Json::new(input(&bytes), dialect) {
                read_all(Source::Json(json));
            }
        }
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
    fn no_text_makes_the_json_reader_panic(text in r#"\{[\[\]{}",:a-z0-9\\$' /().+-]{0,60}\}"#) {
        for dialect in [Dialect::Json, Dialect::Shell] {
            let input = Input::new("f", Cursor::new(text.clone().into_bytes())).unwrap();
            read_all(Source::Json(Json::new(input, dialect).unwrap()));
        }
    }

    #[test]
    fn no_change_of_extended_json_makes_the_reader_panic(
        place in any::<prop::sample::Index>(), word in prop::sample::select(WORDS), with in prop::sample::select(WORDS),
    ) {
        let text = WORDS.join(",");
        let text = format!("{{\"a\":[{}]}}", text.replacen(word, with, 1 + place.index(3)));
        for dialect in [Dialect::Json, Dialect::Shell] {
            let input = Input::new("f", Cursor::new(text.clone().into_bytes())).unwrap();
            read_all(Source::Json(Json::new(input, dialect).unwrap()));
        }
    }

    #[test]
    fn doubles_are_exact(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        for text in [format!("{number:?}"), format!("{number:e}")] {
            let json = format!("{{\"x\":{text}}}");
            let mut document = Vec::new();
            seeder::extended_json::document(json.as_bytes(), Dialect::Json, &mut document).unwrap();
            prop_assert_eq!(&document[7..15], &number.to_le_bytes()[..], "{}", text);
        }
    }
}

const WORDS: &[&str] = &[
    r#"{"$oid":"0123456789abcdef01234567"}"#,
    r#"{"$date":"2024-02-29T12:00:00.5Z"}"#,
    r#"{"$numberLong":"5"}"#,
    r#"{"$binary":{"base64":"AQ==","subType":"00"}}"#,
    r#"{"$timestamp":{"t":1,"i":2}}"#,
    r#""0123""#,
    "-1.5e3",
    r#"{"$regularExpression":{"pattern":"a","options":"i"}}"#,
    "$oid",
    "ObjectId(",
    "2024",
    "T",
    ":",
    "\\ud83d",
    "}",
    "{",
    "/a/i",
    "BinData(0,'AQ==')",
    "12:00",
    "0x",
    "{}",
    "[]",
    "é",
    "-",
];

//! Any bytes as JSON of MongoDB, as its shell writes documents, and as a table: documents or an error.

use std::io::Cursor;

use seeder::extended_json::Dialect;
use seeder::input::Input;
use seeder::source::Source;
use seeder::source::json::Json;
use seeder::source::table::{Separator, Table};
use todo_store::raw::Documents;

pub(super) fn run(bytes: &[u8]) {
    let input = |bytes: &[u8]| Input::new("fuzz", Cursor::new(bytes.to_vec()));
    for dialect in [Dialect::Json, Dialect::Shell] {
        if let Ok(json) = input(bytes).and_then(|input| Json::new(input, dialect)) {
            read_all(Source::Json(json));
        }
    }
    for (separator, header) in [(Separator::Comma, &b"id,name\n"[..]), (Separator::Tab, b"id\tname\n")] {
        let table = [header, bytes].concat();
        if let Ok(table) = input(&table).and_then(|input| Table::new(input, separator, None)) {
            read_all(Source::Table(Box::new(table)));
        }
    }
}

/// What is read from a text is BSON, without exception.
fn read_all(mut source: Source) {
    while let Ok(true) = source.read_next() {
        let pushed = Documents::default().push(source.document());
        pushed.unwrap_or_else(|error| panic!("a text was read as a document that is none: {error}"));
    }
}

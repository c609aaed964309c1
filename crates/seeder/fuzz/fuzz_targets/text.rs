//! Any bytes as JSON and as a table: documents or an error, never a panic.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use seeder::source::Source;
use seeder::input::Input;
use seeder::source::json::Json;
use seeder::extended_json::Dialect;
use seeder::source::table::{Separator, Table};

fuzz_target!(|bytes: &[u8]| {
    let input = |bytes: &[u8]| Input::new("fuzz", Cursor::new(bytes.to_vec()));
    for dialect in [Dialect::Json, Dialect::Shell] {
        if let Ok(json) = input(bytes).and_then(|input| Json::new(input, dialect)) {
            read_all(Source::Json(json));
        }
    }
    for (separator, header) in [(Separator::Comma, b"id,name\n"), (Separator::Tab, b"id\tname\n")] {
        let table = [&header[..], bytes].concat();
        if let Ok(table) = input(&table).and_then(|input| Table::new(input, separator, None)) {
            read_all(Source::Table(Box::new(table)));
        }
    }
});

fn read_all(mut source: Source) {
    while let Ok(true) = source.read_next() {
        let _ = source.document();
    }
}

//! Any bytes as JSON and as a table: documents or an error, never a panic.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use seeder::source::Source;
use seeder::source::csv::Csv;
use seeder::input::Input;
use seeder::source::json::Json;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(input) = Input::new("fuzz", Cursor::new(bytes.to_vec())) {
        read_all(Source::Json(Json::new(input)));
    }
    let table = [b"id,name\n", bytes].concat();
    if let Ok(csv) = Input::new("fuzz", Cursor::new(table)).and_then(Csv::new) {
        read_all(Source::Csv(Box::new(csv)));
    }
});

fn read_all(mut source: Source) {
    while let Ok(true) = source.read_next() {
        let _ = source.document();
    }
}

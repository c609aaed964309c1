//! Any bytes as an archive of mongodump and as a `.bson` file, plain or gzip: documents or an error.

use std::io::Cursor;

use seeder::archive::reader::Archive;
use seeder::bulk_load::id_first::id_first;
use seeder::input::Input;
use seeder::namespace::choose;
use seeder::source::{Bson, Source};
use todo_store::raw::{Documents, todo};

pub(super) fn run(bytes: &[u8]) {
    let input = || Input::new("fuzz", Cursor::new(bytes.to_vec()));
    if let Ok(archive) = input().and_then(Archive::open)
        && let Ok(namespace) = choose(&archive.prelude().names(), None)
    {
        read_all(Source::Archive(Box::new(archive), namespace));
    }
    if let Ok(input) = input() {
        read_all(Source::Bson(Bson::new(input)));
    }
}

fn read_all(mut source: Source) {
    while let Ok(true) = source.read_next() {
        let mut documents = Documents::default();
        if let Ok(document) = id_first(source.document())
            && documents.push(&document).is_ok()
        {
            let _ = todo(documents.get(0));
        }
    }
}

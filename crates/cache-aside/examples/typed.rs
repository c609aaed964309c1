//! Values of a type, written and read through the cache: `cargo run -p cache-aside --example typed`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use cache_aside::{CacheAside, Commit, Json, Typed, TypedSource, Versioned};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Book {
    title: String,
    pages: u32,
}

/// A store that counts its writes: the count is the version.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    writes: u64,
    books: HashMap<String, Versioned<Book>>,
}

impl Shelf {
    fn put(&self, id: &str, value: Book) -> Versioned<Book> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.writes += 1;
        let book = Versioned { version: shelf.writes, value };
        shelf.books.insert(id.to_owned(), book.clone());
        book
    }
}

impl TypedSource for Shelf {
    type Value = Book;
    type Error = Infallible;

    async fn load(&self, id: &str) -> Result<Option<Versioned<Book>>, Infallible> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).books.get(id).cloned())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shelf = Shelf::default();
    let cache = CacheAside::builder("memory:", Typed::source(shelf.clone(), Json)).start().await?;
    let books = Typed::new(cache);

    let commit = async move {
        let book = shelf.put("momo", Book { title: "Momo".to_owned(), pages: 304 });
        Commit::Value { version: book.version, body: book.value, result: () }
    };
    let written = books.write("momo", commit).await?;
    eprintln!("written at version {}", written.version);

    let momo = books.get("momo").await?;
    assert_eq!(momo.map(|book| book.pages), Some(304));
    assert_eq!(books.cache().stats().reads.hits, 1, "the first read after a write is a hit");
    assert_eq!(books.get("nobody").await?, None);
    Ok(())
}

//! Values of a type, over the same engine.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cache_aside::{
    BreakerState, CacheAside, Codec, Commit, Encoded, Json, ManyLoaded, Outcome, ReadError, ReadOptions, Typed,
    TypedError,
};
use cache_aside::{TypedSource, Versioned, WriteError};

type Book = (String, u32);

#[derive(Clone, Default)]
struct Books(Arc<Mutex<HashMap<String, Versioned<Book>>>>, Arc<AtomicUsize>);

impl TypedSource for Books {
    type Value = Book;
    type Error = Infallible;

    async fn load(&self, id: &str) -> Result<Option<Versioned<Book>>, Infallible> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }

    /// One query: each of them counts.
    async fn load_many(&self, ids: &[&str]) -> ManyLoaded<Book, Infallible> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let books = self.0.lock().unwrap();
        Ok(ids.iter().map(|id| Ok(books.get(*id).cloned())).collect())
    }
}

fn book(version: u64) -> Versioned<Book> {
    Versioned { version, value: ("Momo".to_owned(), u32::try_from(version).unwrap()) }
}

/// JSON, but for books of 13 pages.
#[derive(Clone)]
struct Superstitious;

impl Codec<Book> for Superstitious {
    type Error = std::fmt::Error;

    fn encode(&self, book: &Book) -> Result<bytes::Bytes, std::fmt::Error> {
        if book.1 == 13 { Err(std::fmt::Error) } else { Json.encode(book).map_err(|_| std::fmt::Error) }
    }

    fn decode(&self, bytes: &[u8]) -> Result<Book, std::fmt::Error> {
        Json.decode(bytes).map_err(|_| std::fmt::Error)
    }
}

async fn typed<C: Codec<Book>>(books: &Books, codec: C) -> Typed<Books, C> {
    let source: Encoded<Books, C> = Typed::source(books.clone(), codec);
    Typed::new(CacheAside::builder("memory:", source).start().await.unwrap())
}

#[tokio::test]
async fn values_are_read_and_written_as_they_are() {
    let books = Books::default();
    let cache = typed(&books, Json).await;
    assert_eq!(cache.get("1").await.unwrap(), None);
    let store = books.clone();
    let commit = async move {
        let Versioned { version, value } = book(7);
        store.0.lock().unwrap().insert("1".to_owned(), book(7));
        Commit::Value { version, body: value, result: "new" }
    };
    let written = cache.write("1", commit).await.unwrap();
    assert_eq!((written.version, written.result), (7, "new"));
    let read = cache.read("1", ReadOptions::default()).await.unwrap();
    assert_eq!((read.value, read.answer.outcome), (Some(book(7)), Outcome::Hit));
    let many = cache.read_many(&["1", "2"], ReadOptions::default()).await;
    assert_eq!(many[0].as_ref().unwrap().value, Some(book(7)));
    assert_eq!(many[1].as_ref().unwrap().value, None);
}

#[tokio::test]
async fn cached_bytes_of_an_earlier_release_are_read_again() {
    let books = Books::default();
    let cache = typed(&books, Json).await;
    books.0.lock().unwrap().insert("1".to_owned(), book(7));
    let earlier = async {
        Commit::<_, TypedError<Infallible, serde_json::Error>>::Value { version: 6, body: "{}".into(), result: () }
    };
    cache.cache().write("1", earlier).await.unwrap();
    let read = cache.read("1", ReadOptions::default()).await.unwrap();
    assert_eq!((read.value, read.answer.outcome), (Some(book(7)), Outcome::Miss));
    assert_eq!(cache.read("1", ReadOptions::default()).await.unwrap().answer.outcome, Outcome::Hit);
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_is_an_error_with_its_cause_and_is_not_cached() {
    let books = Books::default();
    let cache = typed(&books, Superstitious).await;
    books.0.lock().unwrap().insert("1".to_owned(), book(13));
    let error = cache.get("1").await.unwrap_err();
    assert!(matches!(&error, ReadError::Source(error) if matches!(**error, TypedError::Codec(_))), "{error:?}");
    let cause = std::error::Error::source(&error).and_then(std::error::Error::source).unwrap();
    assert!(cause.is::<std::fmt::Error>());
    let commit = async { Commit::Value { version: 13, body: book(13).value, result: () } };
    let error = cache.write("1", commit).await.unwrap_err();
    assert!(matches!(error, WriteError::Store(TypedError::Codec(_))), "{error:?}");
    for _ in 0..20 {
        assert!(matches!(cache.get("1").await, Err(ReadError::Source(_))));
    }
    assert_eq!(cache.cache().store_breaker(), BreakerState::Closed, "one value is no outage of the store");
    books.0.lock().unwrap().insert("1".to_owned(), book(14));
    assert_eq!(cache.get("1").await.unwrap(), Some(book(14).value));
}

#[tokio::test]
async fn many_are_read_by_one_query() {
    let books = Books::default();
    for id in ["1", "2", "3"] {
        books.0.lock().unwrap().insert(id.to_owned(), book(id.parse().unwrap()));
    }
    let cache = typed(&books, Json).await;
    let answers = cache.read_many(&["3", "none", "1", "2"], ReadOptions::default()).await;
    let versions: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().value.map(|book| book.version)).collect();
    assert_eq!(versions, [Some(3), None, Some(1), Some(2)]);
    assert_eq!(books.1.load(Ordering::SeqCst), 1);
}

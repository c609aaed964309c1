//! Books over HTTP with axum, through a cache.
//!
//! ```sh
//! cargo run --example axum -- redis://127.0.0.1        # or memory:
//! curl -i 127.0.0.1:8080/books/978-0                   # cache-status: miss, then hit
//! curl -X PUT 127.0.0.1:8080/books/978-0 -d 'Another title'
//! ```

#![expect(clippy::print_stdout, reason = "says where it listens")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cache_aside::{CacheAside, Commit, Loaded, ReadError, ReadOptions, Source};

/// The last version that was given out, and of each book its version and title.
type Shelf = (u64, HashMap<String, (u64, String)>);

/// Stands for a database. Versions come from one counter, so none comes twice, also over a delete and a new create.
#[derive(Clone, Default)]
struct Books(Arc<Mutex<Shelf>>);

impl Source for Books {
    type Error = Infallible;

    async fn load(&self, isbn: &str) -> Result<Loaded, Infallible> {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(books
            .1
            .get(isbn)
            .map_or(Loaded::Absent, |(version, title)| Loaded::Value { version: *version, body: title.clone().into() }))
    }
}

impl Books {
    /// Writes a title, and tells its version and whether it is new.
    fn put(&self, isbn: String, title: String) -> (u64, bool) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.0 += 1;
        let version = books.0;
        (version, books.1.insert(isbn, (version, title)).is_none())
    }
}

async fn read(State(books): State<CacheAside<Books>>, Path(isbn): Path<String>) -> Result<Response, Failed> {
    let answer = books.read(&isbn, ReadOptions::default()).await?;
    let status = [("cache-status", answer.outcome.as_str())];
    Ok(match answer.entry {
        Some(entry) => (status, entry.body).into_response(),
        None => (StatusCode::NOT_FOUND, status).into_response(),
    })
}

async fn write(State(books): State<CacheAside<Books>>, Path(isbn): Path<String>, title: String) -> StatusCode {
    let (store, id) = (books.source().clone(), isbn.clone());
    // In the commit the store is written; what else is to be known of it comes back as the result.
    let commit = async move {
        let (version, is_new) = store.put(id, title.clone());
        Commit::<bool, Infallible>::Value { version, body: title.into(), result: is_new }
    };
    match books.write(&isbn, commit).await {
        Ok(written) if written.result => StatusCode::CREATED,
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// 503: try again.
struct Failed(ReadError<Infallible>);

impl From<ReadError<Infallible>> for Failed {
    fn from(error: ReadError<Infallible>) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, self.0.to_string()).into_response()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let cache = arguments.next().unwrap_or_else(|| "memory:".to_owned());
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let books = CacheAside::builder(cache.as_str(), Books::default()).prefix("books").start().await?;

    let routes = Router::new().route("/books/{isbn}", get(read).put(write)).with_state(books);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}

//! Books over HTTP with actix-web, through a cache. Each worker is a thread with a handle of its own: its connection to Redis
//! is driven on the thread that asks.
//!
//! ```sh
//! cargo run --example actix -- redis://127.0.0.1
//! curl -i 127.0.0.1:8080/books/978-0
//! ```

#![expect(clippy::print_stdout, reason = "says where it listens")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use cache_aside::{CacheAside, Loaded, ReadOptions, Source};

/// Stands for a database: it has every book, and counts how often it was asked.
#[derive(Clone, Default)]
struct Books {
    reads: Arc<AtomicU64>,
}

impl Source for Books {
    type Error = Infallible;

    async fn load(&self, isbn: &str) -> Result<Loaded, Infallible> {
        let read = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Loaded::Value { version: 1, body: format!("the book {isbn}, by read {read} of the store").into() })
    }
}

async fn read(books: web::Data<CacheAside<Books>>, isbn: web::Path<String>) -> HttpResponse {
    match books.read(isbn.as_str(), ReadOptions::default()).await {
        Ok(answer) => {
            let status = ("cache-status", answer.outcome.as_str());
            match answer.entry {
                Some(entry) => HttpResponse::Ok().insert_header(status).body(entry.body),
                None => HttpResponse::NotFound().insert_header(status).finish(),
            }
        }
        Err(error) => HttpResponse::ServiceUnavailable().body(error.to_string()),
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let cache = arguments.next().unwrap_or_else(|| "memory:".to_owned());
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let books = CacheAside::builder(cache.as_str(), Books::default()).prefix("books").start().await?;

    let listener = std::net::TcpListener::bind(listen)?;
    println!("listening on http://{}", listener.local_addr()?);
    // The factory runs on each worker's own thread.
    let worker =
        move || App::new().app_data(web::Data::new(books.per_worker())).route("/books/{isbn}", web::get().to(read));
    HttpServer::new(worker).workers(2).listen(listener)?.run().await?;
    Ok(())
}

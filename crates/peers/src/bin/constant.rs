//! What the framework alone can do: actix-web with a constant body and the headers of a hit. `make bench` compares hits
//! with it.
//!
//! Usage: `constant ADDRESS:PORT`

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8001".to_owned());
    HttpServer::new(|| App::new().route("/todos/{id}", web::get().to(constant))).bind(address)?.run().await
}

async fn constant() -> HttpResponse {
    let value = HeaderValue::from_static;
    HttpResponse::Ok()
        .insert_header((ETAG, value("\"1882748200419328-952b3337\"")))
        .insert_header((HeaderName::from_static("cache-status"), value("todo-api; hit; ttl=57")))
        .insert_header((CACHE_CONTROL, value("no-cache")))
        .insert_header((HeaderName::from_static("x-request-id"), value("792b6f8adb2e61ed")))
        .insert_header((HeaderName::from_static("x-content-type-options"), value("nosniff")))
        .insert_header((CONTENT_TYPE, value("application/json")))
        .body(r#"{"id":"4711","name":"Ms. Adele Baumbach","description":"Quia et sunt. Ipsam neque aut ipsum."}"#)
}

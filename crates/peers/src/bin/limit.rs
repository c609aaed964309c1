//! What the parts that a hit is made of cost by themselves, with the headers of a hit, and nothing of what makes a cache right: the framework with a
//! constant body; with a look into a map of the process, as a hit from L1 has it; with one `GET` over a connection of the worker's
//! own, which the Redis client shares among all that wait, as a hit from Redis has it. `make bench` compares hits with them.
//!
//! Usage: `limit ADDRESS:PORT constant|lookup|redis://…` (the last two know the ids 1 to 1000)

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpServer, web};
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{AsyncCommands, Client};
use tokio::sync::OnceCell;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IDS: u32 = 1_000;
const BODY: &str = r#"{"id":"4711","name":"Ms. Adele Baumbach","description":"Quia et sunt. Ipsam neque aut ipsum."}"#;

type Kept = Arc<HashMap<String, Bytes>>;

/// A worker's connection to Redis.
struct Worker {
    client: Client,
    connection: OnceCell<MultiplexedConnection>,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, what] = &args[..] else {
        return Err("usage: limit ADDRESS:PORT constant|lookup|redis://…".into());
    };
    let server = match what.as_str() {
        "constant" => HttpServer::new(|| App::new().route("/todos/{id}", web::get().to(constant))).bind(address)?.run(),
        "lookup" => {
            let body = Bytes::from_static(BODY.as_bytes());
            let kept: Kept = Arc::new((1..=IDS).map(|id| (id.to_string(), body.clone())).collect());
            let app =
                move || App::new().app_data(web::Data::new(kept.clone())).route("/todos/{id}", web::get().to(lookup));
            HttpServer::new(app).bind(address)?.run()
        }
        url => {
            let client = Client::open(url)?;
            let cells: Vec<_> = (1..=IDS).map(|id| (key(&id.to_string()), BODY)).collect();
            client.get_multiplexed_async_connection().await?.mset::<_, _, ()>(&cells).await?;
            let app = move || {
                let worker = Worker { client: client.clone(), connection: OnceCell::new() };
                App::new().app_data(web::Data::new(worker)).route("/todos/{id}", web::get().to(get))
            };
            HttpServer::new(app).bind(address)?.run()
        }
    };
    Ok(server.await?)
}

async fn constant() -> HttpResponse {
    hit(Bytes::from_static(BODY.as_bytes()))
}

async fn lookup(id: web::Path<String>, kept: web::Data<Kept>) -> HttpResponse {
    kept.get(id.as_str()).cloned().map_or_else(|| HttpResponse::NotFound().finish(), hit)
}

async fn get(id: web::Path<String>, worker: web::Data<Worker>) -> Result<HttpResponse, actix_web::Error> {
    let connect = || worker.client.get_multiplexed_async_connection();
    let mut connection = worker.connection.get_or_try_init(connect).await.map_err(ErrorInternalServerError)?.clone();
    let kept: Option<Bytes> = connection.get(key(&id)).await.map_err(ErrorInternalServerError)?;
    Ok(kept.map_or_else(|| HttpResponse::NotFound().finish(), hit))
}

fn key(id: &str) -> String {
    format!("limit:{id}")
}

fn hit(body: Bytes) -> HttpResponse {
    let value = HeaderValue::from_static;
    HttpResponse::Ok()
        .insert_header((ETAG, value("\"1882748200419328-952b3337\"")))
        .insert_header((HeaderName::from_static("cache-status"), value("todo-api; hit; ttl=57")))
        .insert_header((CACHE_CONTROL, value("no-cache")))
        .insert_header((HeaderName::from_static("x-request-id"), value("792b6f8adb2e61ed")))
        .insert_header((HeaderName::from_static("x-content-type-options"), value("nosniff")))
        .insert_header((CONTENT_TYPE, value("application/json")))
        .body(body)
}

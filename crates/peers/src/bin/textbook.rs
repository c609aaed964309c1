//! Cache-aside as tutorials have it: `GET` of a cell, on a miss a `find` and a `SET` with a time to live, connections checked out of
//! a pool. There are no versions and no leases: a value that changed stays until its time is over, and every reader of a missing key reads
//! the database. `make bench` measures it beside the service.
//!
//! Usage: `textbook ADDRESS:PORT mongodb://… redis://…` (the database is `bench`)

use actix_web::error::ErrorInternalServerError;
use actix_web::{App, HttpResponse, HttpServer, web};
use deadpool_redis::redis::AsyncCommands;
use deadpool_redis::{Config, Pool, Runtime};
use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long a value is kept, in seconds.
const TIME_TO_LIVE: u64 = 600;

#[derive(Clone)]
struct Shared {
    pool: Pool,
    todos: Collection<Document>,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, store, cache] = &args[..] else {
        return Err("usage: textbook ADDRESS:PORT mongodb://… redis://…".into());
    };
    let pool = Config::from_url(cache).create_pool(Some(Runtime::Tokio1))?;
    let todos = Client::with_uri_str(store).await?.database("bench").collection("todos");
    let shared = web::Data::new(Shared { pool, todos });
    HttpServer::new(move || App::new().app_data(shared.clone()).route("/todos/{id}", web::get().to(read)))
        .bind(address)?
        .run()
        .await?;
    Ok(())
}

async fn read(id: web::Path<String>, shared: web::Data<Shared>) -> Result<HttpResponse, actix_web::Error> {
    let (id, key) = (id.as_str(), format!("textbook:{id}"));
    let mut cache = shared.pool.get().await.map_err(ErrorInternalServerError)?;
    let kept: Option<String> = cache.get(&key).await.map_err(ErrorInternalServerError)?;
    if let Some(body) = kept {
        return Ok(HttpResponse::Ok().content_type("application/json").body(body));
    }
    let found = shared.todos.find_one(doc! { "id": id }).await.map_err(ErrorInternalServerError)?;
    let Some(todo) = found else { return Ok(HttpResponse::NotFound().finish()) };
    let text = |name| todo.get_str(name).ok();
    let body = json!({ "id": id, "name": text("name"), "description": text("description") }).to_string();
    cache.set_ex::<_, _, ()>(&key, &body, TIME_TO_LIVE).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

//! A todo service over PostgreSQL: any number of processes share one Redis, and anybody may write past them in SQL.
//!
//! ```sh
//! cargo run --example postgres -- --store postgres://postgres@127.0.0.1/postgres --cache redis://127.0.0.1
//! curl -i -X PUT 127.0.0.1:8080/todos/1 -H 'content-type: application/json' -d '{"name": "milk"}'
//! psql -c "UPDATE todos SET name = 'bread'"; curl -i 127.0.0.1:8080/todos/1
//! ```
//!
//! - `schema.sql`: versions, and the table of changes. `store`: [`cache_aside::Source`], and writes.
//! - `changes`: [`cache_aside::ChangeSource`] over `LISTEN`. `http`: who asks.

#![expect(clippy::print_stdout, reason = "says where it listens")]

mod changes;
mod http;
mod store;

use std::time::Duration;

use cache_aside::{CacheAside, CacheUrl, Options, WritePolicy};
use clap::Parser;

use crate::changes::Changes;
use crate::store::{READS, Todos};

#[derive(Parser)]
struct Flags {
    /// Where PostgreSQL is, and which database.
    #[arg(long)]
    store: tokio_postgres::Config,
    /// Where the cache is: redis://HOST:PORT, memory or off.
    #[arg(long, default_value = "memory")]
    cache: CacheUrl,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// How many milliseconds a todo is answered without asking Redis.
    #[arg(long, default_value = "0")]
    l1_ms: u64,
    /// What a write does to the cache: through, invalidate or none.
    #[arg(long, default_value = "through", value_parser = policy)]
    write_policy: WritePolicy,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flags = Flags::parse();
    let todos = Todos::open(flags.store.clone()).await?;
    let mut options = Options::default();
    options.write_policy = flags.write_policy;
    options.store_concurrency = READS;
    let shared = matches!(flags.cache, CacheUrl::Redis(_) | CacheUrl::Cluster(_));
    let mut cache = CacheAside::builder(flags.cache, todos).options(options).follow_changes(Changes(flags.store));
    if shared {
        cache = cache.prefix("todo");
    }
    if flags.l1_ms > 0 {
        cache = cache.l1(Duration::from_millis(flags.l1_ms));
    }
    let cache = cache.start().await?;
    let listener = tokio::net::TcpListener::bind(&flags.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, http::routes(cache)).await?;
    Ok(())
}

fn policy(name: &str) -> Result<WritePolicy, &'static str> {
    match name {
        "through" => Ok(WritePolicy::Through),
        "invalidate" => Ok(WritePolicy::Invalidate),
        "none" => Ok(WritePolicy::None),
        _ => Err("must be through, invalidate or none"),
    }
}

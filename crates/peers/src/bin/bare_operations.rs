//! What the bare driver can do: `find_one` by id, each id once, or `insert_one`, so many at a time, and prints how many a second.
//! `make bench` compares misses and creates with it.
//!
//! Usage: `bare_operations mongodb://… find|insert COUNT SECONDS AT-A-TIME` (in `bench.todos` of ids 1 to COUNT, or into
//! `bench.bare`, with the write concern `majority` that the service has)

#![expect(clippy::print_stdout, reason = "the rate is the program's output")]

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, IndexOptions, WriteConcern};
use mongodb::{Client, Collection, IndexModel};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, what, count, seconds, at_a_time] = &args[..] else {
        return Err("usage: bare_operations mongodb://… find|insert COUNT SECONDS AT-A-TIME".into());
    };
    let database = Client::with_uri_str(url).await?.database("bench");
    let (count, seconds) = (count.parse()?, Duration::from_secs_f64(seconds.parse()?));
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let until = began + seconds;
    let workers = 0..at_a_time.parse::<u32>()?;
    match what.as_str() {
        "find" => {
            let todos = database.collection("todos");
            try_join_all(workers.map(|_| find(&todos, &next, count, until))).await?;
        }
        "insert" => {
            let bare: Collection<Document> = database.collection("bare");
            bare.drop().await?;
            let unique = IndexOptions::builder().unique(true).build();
            bare.create_index(IndexModel::builder().keys(doc! { "id": 1 }).options(unique).build()).await?;
            try_join_all(workers.map(|_| insert(&bare, &next, until))).await?;
        }
        other => return Err(format!("find or insert, and not {other}").into()),
    }
    println!("{:.0}", next.into_inner() as f64 / began.elapsed().as_secs_f64());
    Ok(())
}

/// Ids that lie far apart, as in `scripts/bench-cold`.
async fn find(
    todos: &Collection<Document>,
    next: &AtomicU64,
    count: u64,
    until: Instant,
) -> Result<(), Box<dyn Error>> {
    while Instant::now() < until {
        let id = next.fetch_add(1, Ordering::Relaxed) * 7_919 % count + 1;
        todos.find_one(doc! { "id": id.to_string() }).await?.ok_or_else(|| format!("there is no todo {id}"))?;
    }
    Ok(())
}

async fn insert(bare: &Collection<Document>, next: &AtomicU64, until: Instant) -> Result<(), Box<dyn Error>> {
    let majority = WriteConcern::builder().w(Acknowledgment::Majority).build();
    while Instant::now() < until {
        let id = next.fetch_add(1, Ordering::Relaxed).to_string();
        let todo = doc! { "_id": &id, "id": &id, "name": "bench", "description": "one of many" };
        bare.insert_one(todo).write_concern(majority.clone()).await?;
    }
    Ok(())
}

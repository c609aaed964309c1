//! What the bare drivers can do: copies what a seeded store holds, byte by byte, into an empty one, and prints how many
//! seconds the writing took. `make bench` compares the seeder with it.
//!
//! Usage: `bare_bulk_insert mongodb://…` (from `bench.todos` to `bench.bare`: batches of 1,000, 4 under way), or
//! `bare_bulk_insert FROM.redb TO.redb` (one transaction)

#![expect(clippy::print_stdout, reason = "the seconds are the program's output")]

use std::error::Error;
use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};
use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::options::IndexOptions;
use mongodb::{Client, Collection, IndexModel};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("todos");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let seconds = match &args[..] {
        [url] => mongo(url).await?,
        [from, to] => redb(from, to)?,
        _ => return Err("usage: bare_bulk_insert mongodb://… | FROM.redb TO.redb".into()),
    };
    println!("{seconds:.3}");
    Ok(())
}

async fn mongo(url: &str) -> Result<f64, Box<dyn Error>> {
    let database = Client::with_uri_str(url).await?.database("bench");
    let seeded: Collection<RawDocumentBuf> = database.collection("todos");
    let documents: Vec<RawDocumentBuf> = seeded.find(doc! {}).await?.try_collect().await?;
    let bare: Collection<RawDocumentBuf> = database.collection("bare");
    bare.drop().await?;
    let unique = IndexOptions::builder().unique(true).build();
    bare.create_index(IndexModel::builder().keys(doc! { "id": 1 }).options(unique).build()).await?;
    let began = Instant::now();
    stream::iter(documents.chunks(1_000))
        .map(|batch| bare.insert_many(batch).ordered(false).into_future())
        .buffer_unordered(4)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(began.elapsed().as_secs_f64())
}

fn redb(from: &str, to: &str) -> Result<f64, Box<dyn Error>> {
    let seeded = Database::open(from)?;
    let mut todos = Vec::new();
    for entry in seeded.begin_read()?.open_table(TABLE)?.iter()? {
        let (key, value) = entry?;
        todos.push((key.value().to_vec(), value.value().to_vec()));
    }
    let bare = Database::create(to)?;
    let began = Instant::now();
    let transaction = bare.begin_write()?;
    {
        let mut table = transaction.open_table(TABLE)?;
        for (key, value) in &todos {
            table.insert(&**key, &**value)?;
        }
    }
    transaction.commit()?;
    Ok(began.elapsed().as_secs_f64())
}

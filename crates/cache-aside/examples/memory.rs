//! A cached lookup in one process: `cargo run -p cache-aside --example memory`.

use cache_aside::{CacheAside, Loaded, ReadOptions, Source};

#[derive(Clone)]
struct Squares;

impl Source for Squares {
    type Error = std::num::ParseIntError;

    async fn load(&self, id: &str) -> Result<Loaded, Self::Error> {
        let n: u64 = id.parse()?;
        Ok(Loaded::Value { version: 1, body: (n * n).to_string().into() })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let squares = CacheAside::builder("memory:", Squares).start().await?;
    for _ in 0..2 {
        let answer = squares.read("12", ReadOptions::default()).await?;
        eprintln!("{}: {:?}", answer.outcome.as_str(), answer.entry.map(|entry| entry.body));
    }
    Ok(())
}

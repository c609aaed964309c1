//! Fifty warm ids, read again and again: what `scripts/instructions` counts the instructions of.
//!
//! Arguments: the cache's URL, how often all ids are read, and `many` to read them by one `read_many`.

#![expect(clippy::print_stdout, reason = "it is run by hand and by a script")]

use std::convert::Infallible;
use std::time::{Duration, Instant};

use cache_aside::{CacheAside, Loaded, Options, Outcome, ReadOptions, Source};

#[derive(Clone)]
struct Bodies;

impl Source for Bodies {
    type Error = Infallible;

    async fn load(&self, id: &str) -> Result<Loaded, Infallible> {
        let body =
            format!(r#"{{"id":"{id}","name":"water the plants","description":"all of them, also on the roof"}}"#);
        Ok(Loaded::Value { version: 7, body: body.into() })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo bench` adds flags of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let url = arguments.first().map_or("memory:", String::as_str);
    let rounds: u32 = arguments.get(1).map_or(Ok(1_000), |text| text.parse())?;
    let many = arguments.get(2).is_some_and(|text| text == "many");

    // Under a simulator everything takes fifty times as long: no deadline may change what is counted.
    let long = Duration::from_secs(30);
    let mut options = Options::default();
    (options.redis_timeout, options.connect_timeout, options.store_queue) = (long, long, long);
    options.fresh = Duration::from_secs(36_000);
    let cache = CacheAside::builder(url, Bodies).prefix("hits").options(options).start().await?;

    let ids: Vec<String> = (0..50).map(|number| format!("id-{number}")).collect();
    for id in &ids {
        cache.read(id, ReadOptions::default()).await?;
    }
    let (began, mut hits) = (Instant::now(), 0);
    for _ in 0..rounds {
        if many {
            let answers = cache.read_many(&ids, ReadOptions::default()).await;
            hits += answers
                .into_iter()
                .filter(|answer| matches!(answer, Ok(answer) if answer.outcome == Outcome::Hit))
                .count();
        } else {
            for id in &ids {
                hits += usize::from(cache.read(id, ReadOptions::default()).await?.outcome == Outcome::Hit);
            }
        }
    }
    assert_eq!(hits, rounds as usize * ids.len(), "only hits are counted");
    println!("{:?} for {hits} hits", began.elapsed());
    Ok(())
}

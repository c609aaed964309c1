//! What `scripts/instructions` counts the instructions of: the same reads or writes of fifty ids, again and again, in the engine
//! alone. A crate of its own, so that no test's dependency is built for it.
//!
//! Arguments: the cache's URL, how often, and of what: `hits`, `l1`, `many` (fifty hits by one `read_many`), `misses` (other ids each
//! time) or `writes`.

#![expect(clippy::print_stdout, reason = "it is run by a script, and by hand")]

use std::convert::Infallible;
use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cache_aside::{CacheAside, Commit, Detail, Loaded, Options, Outcome, ReadOptions, Source};

/// Under a simulator everything takes fifty times as long: no deadline may change what is counted, and nothing may happen besides.
const LONG: Duration = Duration::from_secs(3_600);
const IDS: usize = 50;

#[derive(Clone)]
struct Bodies;

impl Source for Bodies {
    type Error = Infallible;

    async fn load(&self, id: &str) -> Result<Loaded, Infallible> {
        Ok(Loaded::Value { version: 7, body: body(id) })
    }
}

fn body(id: &str) -> Bytes {
    format!(r#"{{"id":"{id}","name":"water the plants","description":"all of them, also on the roof"}}"#).into()
}

type Cache = CacheAside<Bodies>;

async fn start(url: &str, l1: bool) -> Result<Cache, Box<dyn Error>> {
    let mut options = Options::default();
    (options.redis_timeout, options.connect_timeout, options.publish_timeout, options.store_queue) =
        (LONG, LONG, LONG, LONG);
    (options.load_timeout, options.lease, options.fresh) = (LONG, LONG * 2, LONG * 10);
    (options.heartbeat, options.heartbeat_timeout, options.lead) = (LONG, LONG * 2, LONG * 2);
    // What an earlier run has left is not there for this one. As long as every other: its letters count.
    let prefix = format!("instructions-{:010}", std::process::id());
    let builder = CacheAside::builder(url, Bodies).prefix(prefix).options(options);
    Ok(if l1 { builder.l1(LONG) } else { builder }.start().await?)
}

async fn outcome(cache: &Cache, id: &str) -> Result<(Outcome, Option<Detail>), Box<dyn Error>> {
    let answer = cache.read(id, ReadOptions::default()).await?;
    Ok((answer.outcome, answer.detail))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, rounds, what] = &arguments[..] else { return Err("what is wanted: URL ROUNDS WHAT".into()) };
    let rounds: usize = rounds.parse()?;
    let cache = start(url, what == "l1").await?;
    let ids: Vec<String> = (0..IDS).map(|number| format!("id-{number}")).collect();
    loop {
        let mut from_l1 = 0;
        for id in &ids {
            from_l1 += usize::from(outcome(&cache, id).await?.1 == Some(Detail::L1));
        }
        // It holds nothing before its subscription is there.
        if what != "l1" || from_l1 == IDS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (began, mut done) = (Instant::now(), 0);
    for round in 0..rounds {
        match what.as_str() {
            "many" => {
                let answers = cache.read_many(&ids, ReadOptions::default()).await;
                done += answers.iter().flatten().filter(|answer| answer.outcome == Outcome::Hit).count();
            }
            "hits" | "l1" => {
                let expected = (Outcome::Hit, (what == "l1").then_some(Detail::L1));
                for id in &ids {
                    done += usize::from(outcome(&cache, id).await? == expected);
                }
            }
            "misses" => {
                for number in 0..IDS {
                    let id = format!("id-{round:06}-{number:02}");
                    done += usize::from(outcome(&cache, &id).await? == (Outcome::Miss, Some(Detail::Stored)));
                }
            }
            "writes" => {
                for id in &ids {
                    let version = (8 + round) as u64;
                    let commit = Commit::<_, Infallible>::Value { version, body: body(id), result: () };
                    cache.write(id, async move { commit }).await?;
                    done += 1;
                }
            }
            other => return Err(format!("{other}: must be hits, l1, many, misses or writes").into()),
        }
    }
    if done != rounds * IDS {
        return Err(
            format!("only {done} of {} were {what}: the figure would be of something else", rounds * IDS).into()
        );
    }
    println!("{:?} for {done} {what}", began.elapsed());
    Ok(())
}

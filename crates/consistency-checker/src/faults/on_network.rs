//! What is done to the ways between one node and its servers.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use test_servers::{Hole, Proxy};

use super::Fault;
use super::inject::{Injector, TAKE_OVER, Told};
use crate::cluster::network::Links;
use crate::error::CheckError;
use crate::history::Suspends;

/// What lies between.
#[derive(Debug, Clone, Copy)]
enum Way {
    Slow(Duration),
    Hole(Hole),
    Cut,
    Refused,
}

impl Injector {
    /// What is acknowledged and answered without a note that the cache was away holds as ever; repairs of the rest, and the
    /// change stream, may have to wait until the fault is over.
    pub(super) async fn on_network(&self, fault: Fault, random: &mut ChaCha8Rng) -> Result<Told, CheckError> {
        let number = match fault {
            Fault::StreamHole => self.follower(),
            _ => random.random_range(0..self.cluster.nodes.len()),
        };
        let way = match fault {
            Fault::RedisSlow | Fault::StoreFar => Way::Slow(Duration::from_millis(random.random_range(2..400))),
            Fault::RedisHole | Fault::StoreHole if random.random_bool(0.4) => Way::Hole(Hole::Answers),
            Fault::RedisCut | Fault::StoreCut => Way::Cut,
            Fault::RedisRefused | Fault::StoreRefused => Way::Refused,
            _ => Way::Hole(Hole::Both),
        };
        let pause = Duration::from_millis(random.random_range(100..4_500));
        self.blocking(move |cluster| {
            let links = cluster.nodes[number].links.as_ref();
            let links = links.ok_or_else(|| CheckError::Server("the nodes have no links of their own".to_owned()))?;
            let (over, what) = spoil(links, fault, way);
            if !matches!(way, Way::Cut) {
                std::thread::sleep(pause);
            }
            over.iter().for_each(|proxy| proxy.heal());
            let what = match way {
                Way::Cut => format!("node {number}: {what}"),
                _ => format!("node {number}: {what} for {} ms", pause.as_millis()),
            };
            Ok(Told::suspending(what, &[(Suspends::Repairs, TAKE_OVER)]))
        })
        .await
    }

    /// The node that follows the store's changes; any, between two.
    fn follower(&self) -> usize {
        let follows = |links: &Links| links.follows_changes();
        self.cluster.nodes.iter().position(|node| node.links.as_ref().is_some_and(follows)).unwrap_or_default()
    }
}

/// Begins the fault, and tells which proxies are to be healed.
fn spoil(links: &Links, fault: Fault, way: Way) -> (Vec<&Proxy>, String) {
    match fault {
        Fault::SubscriptionHole => {
            links.silence_subscriptions();
            return (vec![&links.redis], "its subscriptions are silent".to_owned());
        }
        Fault::StreamHole => {
            links.silence_changes();
            return (links.store.iter().collect(), "its change stream is silent".to_owned());
        }
        _ => {}
    }
    let to_redis = matches!(fault, Fault::RedisSlow | Fault::RedisHole | Fault::RedisCut | Fault::RedisRefused);
    let (proxies, server): (Vec<&Proxy>, &str) =
        if to_redis { (vec![&links.redis], "Redis") } else { (links.store.iter().collect(), "the store") };
    for proxy in &proxies {
        match way {
            Way::Slow(latency) => proxy.delay(latency),
            Way::Hole(hole) => proxy.black_hole(hole),
            Way::Cut => {
                proxy.cut();
            }
            Way::Refused => proxy.refuse(),
        }
    }
    let what = match way {
        Way::Slow(latency) => format!("{server} is {} ms away", latency.as_millis()),
        Way::Hole(Hole::Both) => format!("nothing passes to {server} and back"),
        Way::Hole(Hole::Answers) => format!("no answers pass from {server}"),
        Way::Cut => format!("all connections to {server} were reset"),
        Way::Refused => format!("{server} refuses connections"),
    };
    (proxies, what)
}

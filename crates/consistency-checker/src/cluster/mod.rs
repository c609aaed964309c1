//! `Cluster`: the real servers and processes of a run. All of them end with it.
//!
//! - [`system`]: which service. [`node`]: one process of it. [`network`]: what lies between it and its servers. [`redis`]:
//!   Redis as the run sees it: cells, and what can be done to them.

pub mod network;
pub mod node;
pub mod redis;
pub mod system;

use std::path::PathBuf;

use clap::ValueEnum;
use test_servers::fresh_name;

use self::network::Links;
use self::node::Node;
use self::redis::Redis;
use self::system::{Servers, System};
use crate::error::CheckError;
use crate::store::Store;

/// What to start.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Which service.
    pub system: System,
    /// The service's program.
    pub api: PathBuf,
    /// How many processes of it.
    pub processes: u32,
    /// Flags that each gets besides its addresses.
    pub flags: Vec<String>,
    /// Variables that each gets.
    pub variables: Vec<(String, String)>,
    /// How far the wall clock of each is ahead (`+300s`) or behind, in the build with switches; those of further ones are right.
    pub clocks: Vec<String>,
    /// The servers of the store.
    pub store: Servers,
    /// The servers of the cache.
    pub cache: CacheServers,
    /// Whether each process has its own ways to the servers, which can fail for it alone.
    pub links: bool,
}

/// The servers of the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CacheServers {
    /// One Redis.
    #[default]
    Redis,
    /// A Redis Cluster of three primaries, each with a replica.
    Cluster,
    /// A Redis and its replica, with three sentinels.
    Sentinel,
}

impl CacheServers {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Cluster => "cluster",
            Self::Sentinel => "sentinel",
        }
    }
}

/// One cache, one store, and processes of the service between clients and them.
pub struct Cluster {
    /// Which service.
    pub system: System,
    /// The processes.
    pub nodes: Vec<Node>,
    /// The cache.
    pub redis: Redis,
    /// The database that the service serves.
    pub store: Store,
}

impl Cluster {
    /// Starts everything, and waits until every process answers.
    ///
    /// # Errors
    /// A program is missing, or does not answer.
    pub async fn start(options: &ClusterOptions) -> Result<Self, CheckError> {
        if let Some(missing) = options.system.missing_server() {
            return Err(CheckError::Missing(missing));
        }
        if !options.api.is_file() {
            return Err(CheckError::NoService { program: options.api.clone(), build: options.system.build() });
        }
        let redis = match options.cache {
            CacheServers::Redis => tokio::task::spawn_blocking(Redis::start).await?,
            CacheServers::Cluster => tokio::task::spawn_blocking(Redis::start_cluster).await?,
            CacheServers::Sentinel => tokio::task::spawn_blocking(Redis::start_with_sentinels).await?,
        };
        let (store, store_url) = options.system.store(&options.store, &fresh_name("verify")).await?;
        let mut nodes = Vec::new();
        for number in 0..options.processes {
            let links = options.links.then(|| Links::to(redis.port(), &ports_of(&store_url), options.system));
            let (store_url, redis_url) = match &links {
                Some(links) => (links.store_url(&store_url), links.redis_url()),
                None => (store_url.clone(), redis.url()),
            };
            let mut flags = ["--store", &store_url, "--cache", &redis_url].map(str::to_owned).to_vec();
            flags.extend(options.flags.iter().cloned());
            let clock = options.clocks.get(number as usize).map(|clock| ("TODO_TEETH_CLOCK".to_owned(), clock.clone()));
            let variables = options.variables.iter().cloned().chain(clock).collect();
            let node = Node::start(number, &options.api, flags, variables, links)?;
            node.wait_until_ready().await?;
            nodes.push(node);
        }
        Ok(Self { system: options.system, nodes, redis, store })
    }
}

/// The ports in a connection string of servers on this machine.
fn ports_of(url: &str) -> Vec<u16> {
    let after = url.split("127.0.0.1:").skip(1);
    after.filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).collect()
}

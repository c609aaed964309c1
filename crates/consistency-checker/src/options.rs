//! The command line. Every flag is also an environment variable.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use command_line::values;

use crate::cluster::CacheServers;
use crate::cluster::system::System;
use crate::faults::chosen::Chosen;
use crate::model::Rule;

/// Drives real processes of the todo service, breaks things under them, and checks what their clients saw.
///
/// Exit codes: 0 all that is promised was kept, 1 it was not or the run failed, 2 wrong usage.
#[derive(Debug, Clone, Parser)]
#[command(version, about)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run clients against real processes and check their history.
    Run(Run),
    /// Break one thing after the other under clients, and tell what each costs and for how long.
    Faults(Experiments),
    /// Go through every interleaving of the cache's rules for one id.
    Model(Model),
}

/// Flags of `consistency-checker faults`.
#[derive(Debug, Clone, Args)]
pub struct Experiments {
    /// What is broken: all, or kinds with commas between them, as for `run`.
    #[arg(long, env = "TODO_VERIFY_FAULTS", default_value = "all", value_name = "KINDS", value_parser = Chosen::parse)]
    pub faults: Chosen,

    /// How long clients are at work before each fault, and again after it. A fault that is over in a moment comes again and again
    /// for as long; one that lasts comes once.
    #[arg(long, env = "TODO_VERIFY_PHASE", default_value = "4s", value_name = "DURATION", value_parser = values::duration)]
    pub phase: Duration,

    /// What requests and faults are drawn from.
    #[arg(long, env = "TODO_VERIFY_SEED", default_value = "1", value_name = "N", value_parser = seed)]
    pub seed: u64,

    /// Clients.
    #[arg(long, env = "TODO_VERIFY_CLIENTS", default_value = "16", value_name = "N", allow_negative_numbers = true, value_parser = values::positive)]
    pub clients: usize,

    /// The service's program [default: what cargo has built beside this one].
    #[arg(long, env = "TODO_VERIFY_API", value_name = "FILE")]
    pub api: Option<PathBuf>,

    /// Write the table to this file as JSON.
    #[arg(long, env = "TODO_VERIFY_JSON", value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Flags of `consistency-checker model`.
#[derive(Debug, Clone, Args)]
pub struct Model {
    /// Writers, readers and losses.
    #[arg(default_value = "2,2,1", value_name = "W,R,E", value_parser = sizes)]
    pub sizes: Sizes,

    /// Writers that may die between commit and publish.
    #[arg(long, env = "TODO_VERIFY_CRASHES", default_value = "0", value_name = "N")]
    pub crashes: usize,

    /// How often another collection takes the place of this one.
    #[arg(long, env = "TODO_VERIFY_SWAPS", default_value = "0", value_name = "N")]
    pub swaps: usize,

    /// Processes that writers and readers are dealt out to.
    #[arg(long, env = "TODO_VERIFY_MODEL_PROCESSES", default_value = "2", value_name = "N", value_parser = values::positive)]
    pub processes: usize,

    /// Whether writers have a process of their own instead, in which nobody reads.
    #[arg(long, env = "TODO_VERIFY_WRITERS_APART", default_value = "off", value_name = "on|off")]
    pub writers_apart: Switch,

    /// Whether each process has an L1.
    #[arg(long, env = "TODO_VERIFY_L1", default_value = "off", value_name = "on|off")]
    pub l1: Switch,

    /// Whether writers raise the floor instead of publishing.
    #[arg(long, env = "TODO_VERIFY_INVALIDATE", default_value = "off", value_name = "on|off")]
    pub invalidate: Switch,

    /// Rules to switch off, with commas between them.
    #[arg(long, env = "TODO_VERIFY_OFF", value_name = "RULES", value_delimiter = ',')]
    pub off: Vec<Rule>,
}

/// How many of whom in a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Writers.
    pub writers: usize,
    /// Readers.
    pub readers: usize,
    /// Losses.
    pub losses: usize,
}

/// Flags of `consistency-checker run`.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// How long clients are at work.
    #[arg(long, env = "TODO_VERIFY_SECONDS", default_value = "60", value_name = "N", allow_negative_numbers = true, value_parser = values::positive)]
    pub seconds: usize,

    /// What requests and faults are drawn from.
    #[arg(long, env = "TODO_VERIFY_SEED", default_value = "1", value_name = "N", value_parser = seed)]
    pub seed: u64,

    /// Processes of the service.
    #[arg(long, env = "TODO_VERIFY_PROCESSES", default_value = "2", value_name = "N", allow_negative_numbers = true, value_parser = values::positive)]
    pub processes: usize,

    /// Clients.
    #[arg(long, env = "TODO_VERIFY_CLIENTS", default_value = "16", value_name = "N", allow_negative_numbers = true, value_parser = values::positive)]
    pub clients: usize,

    /// How long the L1 of each process keeps a todo; 0s is off.
    #[arg(long, env = "TODO_VERIFY_L1_TTL", default_value = "0s", value_name = "DURATION", value_parser = duration)]
    pub l1_ttl: Duration,

    /// What a write does to the cache.
    #[arg(long, env = "TODO_VERIFY_WRITE_POLICY", default_value = "through", value_name = "POLICY")]
    pub write_policy: Policy,

    /// What is broken meanwhile: all, none, or kinds with commas between them. All are those that the service and its store
    /// have: flush, evict, cell, lease, pubsub, connections, restart, snapshot of Redis; shard-kill, slots of a Redis
    /// Cluster, failover, failover-kill, failover-stop of a Redis with sentinels, both of which have no restart, snapshot, redis-* and
    /// subscription-hole; stop, kill of a process; redis-slow, redis-hole, redis-cut, redis-refused, subscription-hole, store-far,
    /// store-hole, store-cut, store-refused, stream-hole between one process and its servers; store-slow, store-errors, step-down,
    /// primary-kill, primary-stop, secondaries-stop, swap of MongoDB.
    #[arg(long, env = "TODO_VERIFY_FAULTS", default_value = "flush,evict,cell,lease,pubsub", value_name = "KINDS", value_parser = Chosen::parse)]
    pub faults: Chosen,

    /// Whether somebody writes past the service, too.
    #[arg(long, env = "TODO_VERIFY_FOREIGN_WRITER", default_value = "on", value_name = "on|off")]
    pub foreign_writer: Switch,

    /// The cache's servers: one Redis, a Redis Cluster of three primaries, each with a replica, or a Redis and its replica with three
    /// sentinels.
    #[arg(long, env = "TODO_VERIFY_CACHE", default_value = "redis", value_name = "CACHE")]
    pub cache: CacheServers,

    /// The store's servers: one, or a replica set of three [default: one, unless a fault takes three].
    #[arg(long, env = "TODO_VERIFY_STORE", value_name = "STORE")]
    pub store: Option<StoreServers>,

    /// Whether the run fails, too, if a process that lived for two minutes or more ends with over a tenth more memory or file
    /// descriptors than it had after its first minute.
    #[arg(long, env = "TODO_VERIFY_FLAT", default_value = "off", value_name = "on|off")]
    pub flat: Switch,

    /// Which service is driven.
    #[arg(long, env = "TODO_VERIFY_SERVICE", default_value = "todo-api", value_name = "NAME")]
    pub service: System,

    /// The service's program [default: what cargo has built beside this one].
    #[arg(long, env = "TODO_VERIFY_API", value_name = "FILE")]
    pub api: Option<PathBuf>,

    /// Write the report to this file as JSON.
    #[arg(long, env = "TODO_VERIFY_JSON", value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// What a write does to the cache: the service's own flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// Publishes the value.
    Through,
    /// Raises the floor.
    Invalidate,
    /// Nothing: the change stream does.
    None,
}

impl Policy {
    /// As the service takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Through => "through",
            Self::Invalidate => "invalidate",
            Self::None => "none",
        }
    }
}

/// The servers of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StoreServers {
    /// One server.
    Single,
    /// A replica set of MongoDB of three members.
    MongodbSet,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

fn sizes(text: &str) -> Result<Sizes, String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[writers, readers, losses]) => Ok(Sizes { writers, readers, losses }),
        _ => Err("must be three numbers like 2,2,1: writers, readers, losses".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    if matches!(text, "0" | "0s") { Ok(Duration::ZERO) } else { values::duration(text) }
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "must be a whole number, 0 or above".to_owned())
}

//! What is broken while clients are at work.
//!
//! - [`Fault`]: the kinds. [`schedule`]: when; [`deck`]: which come next. [`chosen`]: which a command line asks for. `inject`: does them. `on_redis`, `on_cluster`, `on_sentinels`, `on_nodes`, `on_store`, `on_network`: how each is
//!   done, and what is not promised meanwhile.

pub mod chosen;
pub mod deck;
mod inject;
mod on_cluster;
mod on_network;
mod on_nodes;
mod on_redis;
mod on_sentinels;
mod on_store;
pub mod schedule;

use clap::ValueEnum;

use crate::cluster::CacheServers;
use crate::cluster::system::System;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// FLUSHALL.
    Flush,
    /// So little memory that Redis evicts nearly everything, for a moment.
    Evict,
    /// One cell is deleted.
    Cell,
    /// One lease is deleted.
    Lease,
    /// Subscriptions are cut (CLIENT KILL TYPE pubsub).
    Pubsub,
    /// All other connections to Redis are cut (CLIENT KILL TYPE normal).
    Connections,
    /// Redis is killed and comes back empty.
    Restart,
    /// Redis is killed and comes back as it was some time ago.
    Snapshot,
    /// A primary of the Redis Cluster is killed; its replica takes its place, and it comes back as a replica.
    ShardKill,
    /// Slots of the Redis Cluster are moved from one server to another.
    Slots,
    /// Sentinels are told to make the replica of Redis the primary, and do so in order.
    Failover,
    /// The primary that sentinels watch is killed; its replica takes its place, and it comes back as one that knows of nothing.
    FailoverKill,
    /// The primary that sentinels watch stands still (SIGSTOP) until its replica has taken its place; then it goes on as if
    /// nothing had happened.
    FailoverStop,
    /// A node stands still for a while (SIGSTOP, SIGCONT).
    Stop,
    /// A node is killed and started again (SIGKILL).
    Kill,
    /// Redis is far away from a node for a while.
    RedisSlow,
    /// Nothing passes between a node and Redis for a while, or no answers; what was held back arrives in the end.
    RedisHole,
    /// A node's connections to Redis are reset.
    RedisCut,
    /// Redis refuses a node's connections for a while.
    RedisRefused,
    /// A node's subscriptions hear nothing for a while, while its other connections to Redis work.
    SubscriptionHole,
    /// The store is far away from a node for a while.
    StoreFar,
    /// Nothing passes between a node and the store for a while, or no answers; what was held back arrives in the end.
    StoreHole,
    /// A node's connections to the store are reset.
    StoreCut,
    /// The store refuses a node's connections for a while.
    StoreRefused,
    /// The process that follows the store's changes hears of none for a while, while its other connections to the store work.
    StreamHole,
    /// The store takes long for each command (fail point `failCommand`).
    StoreSlow,
    /// The store refuses commands, hangs up on them, or does them and does not know whether a majority has them.
    StoreErrors,
    /// MongoDB's primary steps down.
    StepDown,
    /// MongoDB's primary is killed (SIGKILL) and comes back.
    PrimaryKill,
    /// MongoDB's primary stands still for a while (SIGSTOP); when it goes on, another may have been elected.
    PrimaryStop,
    /// MongoDB's other members stand still for a while: no majority has what the primary takes.
    SecondariesStop,
    /// Another collection takes the place of the one that is served (`renameCollection` with `dropTarget`, or `$out`).
    Swap,
}

/// What a fault is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Redis,
    Nodes,
    /// A node's ways to the servers.
    Network,
    /// MongoDB.
    Store,
}

impl Fault {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flush => "flush",
            Self::Evict => "evict",
            Self::Cell => "cell",
            Self::Lease => "lease",
            Self::Pubsub => "pubsub",
            Self::Connections => "connections",
            Self::Restart => "restart",
            Self::Snapshot => "snapshot",
            Self::ShardKill => "shard-kill",
            Self::Slots => "slots",
            Self::Failover => "failover",
            Self::FailoverKill => "failover-kill",
            Self::FailoverStop => "failover-stop",
            Self::Stop => "stop",
            Self::Kill => "kill",
            Self::RedisSlow => "redis-slow",
            Self::RedisHole => "redis-hole",
            Self::RedisCut => "redis-cut",
            Self::RedisRefused => "redis-refused",
            Self::SubscriptionHole => "subscription-hole",
            Self::StoreFar => "store-far",
            Self::StoreHole => "store-hole",
            Self::StoreCut => "store-cut",
            Self::StoreRefused => "store-refused",
            Self::StreamHole => "stream-hole",
            Self::StoreSlow => "store-slow",
            Self::StoreErrors => "store-errors",
            Self::StepDown => "step-down",
            Self::PrimaryKill => "primary-kill",
            Self::PrimaryStop => "primary-stop",
            Self::SecondariesStop => "secondaries-stop",
            Self::Swap => "swap",
        }
    }

    pub(crate) fn part(self) -> Part {
        match self {
            Self::Flush
            | Self::Evict
            | Self::Cell
            | Self::Lease
            | Self::Pubsub
            | Self::Connections
            | Self::Restart
            | Self::Snapshot
            | Self::ShardKill
            | Self::Slots
            | Self::Failover
            | Self::FailoverKill
            | Self::FailoverStop => Part::Redis,
            Self::Stop | Self::Kill => Part::Nodes,
            Self::RedisSlow
            | Self::RedisHole
            | Self::RedisCut
            | Self::RedisRefused
            | Self::SubscriptionHole
            | Self::StoreFar
            | Self::StoreHole
            | Self::StoreCut
            | Self::StoreRefused
            | Self::StreamHole => Part::Network,
            Self::StoreSlow
            | Self::StoreErrors
            | Self::StepDown
            | Self::PrimaryKill
            | Self::PrimaryStop
            | Self::SecondariesStop
            | Self::Swap => Part::Store,
        }
    }

    /// Whether it is over in a moment, and everything is promised all the same: such faults come a few times a second.
    pub fn is_brief(self) -> bool {
        matches!(self, Self::Flush | Self::Evict | Self::Cell | Self::Lease | Self::Pubsub | Self::Connections)
    }

    /// Whether a service has what is broken.
    pub fn is_possible_for(self, system: System) -> bool {
        self.part() != Part::Store || system == System::TodoApi
    }

    /// Whether the servers of the cache can be broken so.
    pub fn is_possible_over(self, cache: CacheServers) -> bool {
        match self {
            Self::ShardKill | Self::Slots => cache == CacheServers::Cluster,
            Self::Failover | Self::FailoverKill | Self::FailoverStop => cache == CacheServers::Sentinel,
            Self::Restart | Self::Snapshot => cache == CacheServers::Redis,
            _ => cache == CacheServers::Redis || !self.needs_links(),
        }
    }

    /// Whether it takes a replica set of three.
    pub fn needs_replica_set(self) -> bool {
        matches!(self, Self::StepDown | Self::PrimaryKill | Self::PrimaryStop | Self::SecondariesStop)
    }

    /// Whether it takes ways to the servers that can fail for one node.
    pub fn needs_links(self) -> bool {
        self.part() == Part::Network
    }
}

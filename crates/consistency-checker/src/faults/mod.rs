//! What is broken while clients are at work.
//!
//! - [`Fault`]: the kinds. `inject`: how each is done, and what is not promised meanwhile. [`schedule`]: when.

mod inject;
pub mod schedule;

use clap::ValueEnum;

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
    /// A node stands still for a while (SIGSTOP, SIGCONT).
    Stop,
    /// A node is killed and started again (SIGKILL).
    Kill,
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
            Self::Stop => "stop",
            Self::Kill => "kill",
        }
    }

    /// Whether everything is promised all the same.
    pub fn is_healthy(self) -> bool {
        !matches!(self, Self::Restart | Self::Snapshot | Self::Stop | Self::Kill)
    }
}

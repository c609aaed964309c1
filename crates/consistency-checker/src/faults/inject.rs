//! `Injector`: does one fault, and tells what was done and what is not promised meanwhile.

use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use tokio::sync::RwLock;

use super::{Fault, Part};
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::error::CheckError;
use crate::history::{FaultMark, Operation, Suspends, Window};
use crate::workload::Hand;

/// How long others may take to notice that a node is gone, and do its work.
pub(super) const TAKE_OVER: Duration = Duration::from_secs(5);

/// Breaks things in one cluster.
pub(super) struct Injector {
    pub(super) cluster: Arc<Cluster>,
    pub(super) clock: Clock,
    /// Single cells and leases are those of these.
    pub(super) ids: Vec<Arc<str>>,
    /// Writes past the service among the clients.
    pub(super) hand: Hand,
    /// Held to use Redis, exclusively to take it away.
    pub(super) redis: RwLock<()>,
}

/// What was done.
pub(super) struct Done {
    pub(super) mark: FaultMark,
    pub(super) windows: Vec<Window>,
    /// Writes past the service that were the fault.
    pub(super) operations: Vec<Operation>,
}

/// How it was done.
pub(super) struct Told {
    pub(super) what: String,
    pub(super) id: Option<Arc<str>>,
    /// What is not promised until so long after its end.
    pub(super) suspends: Vec<(Suspends, Duration)>,
    pub(super) operations: Vec<Operation>,
}

impl Told {
    /// Everything is promised all the same.
    pub(super) fn healthy(what: impl Into<String>) -> Self {
        Self { what: what.into(), id: None, suspends: Vec::new(), operations: Vec::new() }
    }

    pub(super) fn suspending(what: impl Into<String>, suspends: &[(Suspends, Duration)]) -> Self {
        Self { suspends: suspends.to_vec(), ..Self::healthy(what) }
    }
}

impl Injector {
    pub(super) async fn inject(&self, fault: Fault, random: &mut ChaCha8Rng) -> Result<Done, CheckError> {
        let from = self.clock.now();
        let told = match fault.part() {
            Part::Redis => self.on_redis(fault, random).await?,
            Part::Nodes => self.on_nodes(fault, random).await?,
            Part::Network => self.on_network(fault, random).await?,
            Part::Store => self.on_store(fault, random).await?,
        };
        let until = self.clock.now();
        let window =
            |(suspends, after): &(Suspends, Duration)| Window { from, until: until.plus(*after), suspends: *suspends };
        Ok(Done {
            windows: told.suspends.iter().map(window).collect(),
            mark: FaultMark { at: from, until, what: told.what, id: told.id },
            operations: told.operations,
        })
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Cluster) -> Result<T, CheckError> + Send + 'static,
    ) -> Result<T, CheckError> {
        let cluster = Arc::clone(&self.cluster);
        tokio::task::spawn_blocking(move || run(&cluster)).await?
    }
}

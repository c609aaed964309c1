//! When what is broken: drawn from the seed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinHandle;

use super::Fault;
use super::inject::{Injector, quiet_from};
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::error::CheckError;
use crate::history::{FaultMark, Moment, Window};

/// After a window, until the next may open: most of a run must be held to everything.
const HEALTHY: Duration = Duration::from_secs(3);
/// How old a snapshot may be that Redis comes back with.
const SNAPSHOT_AGE: Duration = Duration::from_secs(8);

/// What is broken, and how often.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    /// What.
    pub kinds: Vec<Fault>,
    /// Between two faults, at least and less than, in milliseconds.
    pub pause_ms: Range<u64>,
}

impl FaultPlan {
    /// These, a few times a second.
    pub fn of(kinds: &[Fault]) -> Self {
        Self { kinds: kinds.to_vec(), pause_ms: 20..400 }
    }
}

/// Faults that go on until they are stopped.
pub struct Faults {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<Log, CheckError>>,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Log {
    /// Every fault, in order.
    pub marks: Vec<FaultMark>,
    /// What was not promised meanwhile.
    pub windows: Vec<Window>,
    /// How many of each kind.
    pub counts: BTreeMap<&'static str, usize>,
}

impl Faults {
    /// Begins to break things. Single cells and leases are those of `ids`.
    pub fn start(cluster: &Arc<Cluster>, clock: &Clock, plan: FaultPlan, ids: Vec<Arc<str>>, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed.rotate_left(17));
        let stop = Arc::new(AtomicBool::new(false));
        let injector = Injector { cluster: Arc::clone(cluster), clock: clock.clone(), ids, random };
        let task = tokio::spawn(run(injector, plan, Arc::clone(&stop)));
        Self { stop, task }
    }

    /// Stops, and tells what was done.
    ///
    /// # Errors
    /// A server did not do what it was told.
    pub async fn finish(self) -> Result<Log, CheckError> {
        self.stop.store(true, Ordering::Release);
        self.task.await?
    }
}

async fn run(mut injector: Injector, plan: FaultPlan, stop: Arc<AtomicBool>) -> Result<Log, CheckError> {
    let FaultPlan { kinds, pause_ms } = plan;
    let mut log = Log::default();
    let mut saved_at: Option<Moment> = None;
    while !kinds.is_empty() && !stop.load(Ordering::Acquire) {
        if kinds.contains(&Fault::Snapshot) && saved_at.is_none_or(|at| at.plus(SNAPSHOT_AGE) < injector.clock.now()) {
            let cluster = Arc::clone(&injector.cluster);
            tokio::task::spawn_blocking(move || cluster.redis.save_snapshot()).await??;
            saved_at = Some(injector.clock.now());
        }
        let fault = kinds[injector.random.random_range(0..kinds.len())];
        if fault.is_healthy() || quiet_from(&log.windows).plus(HEALTHY) < injector.clock.now() {
            let done = injector.inject(fault).await?;
            log.marks.push(done.mark);
            log.windows.extend(done.window);
            *log.counts.entry(fault.name()).or_default() += 1;
        }
        let pause = Duration::from_millis(injector.random.random_range(pause_ms.clone()));
        tokio::time::sleep(pause).await;
    }
    Ok(log)
}

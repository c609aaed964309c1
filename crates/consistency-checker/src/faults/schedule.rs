//! When what is broken: drawn from the seed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

use super::Fault;
use super::deck::{Deck, Drawn};
use super::inject::{Done, Injector};
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::error::CheckError;
use crate::history::{FaultMark, Moment, Operation, Window};
use crate::workload::Hand;

/// After a window, until the next may open: most of a run must be held to everything.
const HEALTHY: Duration = Duration::from_secs(3);
/// How old a snapshot may be that Redis comes back with.
const SNAPSHOT_AGE: Duration = Duration::from_secs(8);
/// How often it is asked whether something may be broken.
const LOOK: Duration = Duration::from_millis(20);

/// What is broken, and how often.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    /// What.
    pub kinds: Vec<Fault>,
    /// Between two faults that are over in a moment, at least and less than, in milliseconds.
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
    begun: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<Log, CheckError>>,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Log {
    /// Every fault, in the order in which they were over.
    pub marks: Vec<FaultMark>,
    /// What was not promised meanwhile.
    pub windows: Vec<Window>,
    /// Writes past the service that were faults.
    pub operations: Vec<Operation>,
    /// How many of each kind.
    pub counts: BTreeMap<&'static str, usize>,
}

impl Faults {
    /// Begins to break things under the clients of `hand`. Single cells and leases are those of `ids`.
    pub fn start(
        cluster: &Arc<Cluster>,
        clock: &Clock,
        plan: FaultPlan,
        ids: Vec<Arc<str>>,
        hand: Hand,
        seed: u64,
    ) -> Self {
        let (begun, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let injector =
            Injector { cluster: Arc::clone(cluster), clock: clock.clone(), ids, hand, redis: RwLock::new(()) };
        let schedule = Schedule { injector, begun: Arc::clone(&begun), stop: Arc::clone(&stop), log: Mutex::default() };
        let task = tokio::spawn(async move { schedule.run(plan, seed.rotate_left(17)).await });
        Self { begun, stop, task }
    }

    /// Returns when the first fault has begun, or will without fail.
    pub async fn begun(&self) {
        while !self.begun.load(Ordering::Acquire) && !self.task.is_finished() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Stops once all is as it was, and tells what was done.
    ///
    /// # Errors
    /// A server did not do what it was told.
    pub async fn finish(self) -> Result<Log, CheckError> {
        self.stop.store(true, Ordering::Release);
        self.task.await?
    }
}

struct Schedule {
    injector: Injector,
    begun: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    log: Mutex<Log>,
}

impl Schedule {
    async fn run(self, plan: FaultPlan, seed: u64) -> Result<Log, CheckError> {
        let (brief, lasting): (Vec<Fault>, Vec<Fault>) = plan.kinds.iter().partition(|fault| fault.is_brief());
        tokio::try_join!(self.brief(&brief, plan.pause_ms, seed), self.lasting(&lasting, !seed))?;
        Ok(self.log.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Faults that are over in a moment, one after the other.
    async fn brief(&self, kinds: &[Fault], pause_ms: Range<u64>, seed: u64) -> Result<(), CheckError> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        while !kinds.is_empty() && !self.stopped() {
            let fault = kinds[random.random_range(0..kinds.len())];
            let done = self.injector.inject(fault, &mut random).await?;
            self.note(fault, done);
            tokio::time::sleep(Duration::from_millis(random.random_range(pause_ms.clone()))).await;
        }
        Ok(())
    }

    /// Faults that last, with a time between them in which nothing is broken for long.
    async fn lasting(&self, kinds: &[Fault], seed: u64) -> Result<(), CheckError> {
        let keeps_snapshots = kinds.contains(&Fault::Snapshot);
        let mut saved_at: Option<Moment> = None;
        let mut next_at = Moment::default();
        for drawn in Deck::new(kinds, seed) {
            while !self.stopped() && self.injector.clock.now() < next_at {
                tokio::time::sleep(LOOK).await;
            }
            if self.stopped() {
                break;
            }
            let now = self.injector.clock.now();
            if keeps_snapshots && saved_at.is_none_or(|at| at.plus(SNAPSHOT_AGE) < now) {
                self.injector.save_snapshot().await?;
                saved_at = Some(now);
            }
            self.begun.store(true, Ordering::Release);
            next_at = self.at_once(drawn).await?.plus(HEALTHY);
        }
        Ok(())
    }

    /// Does these faults, and tells from when on everything is promised again.
    async fn at_once(&self, drawn: Drawn) -> Result<Moment, CheckError> {
        let each = drawn.into_iter().map(|(fault, mut random)| async move {
            let done = self.injector.inject(fault, &mut random).await?;
            let ends = done.windows.iter().map(|window| window.until).max().unwrap_or(done.mark.until);
            self.note(fault, done);
            Ok::<Moment, CheckError>(ends)
        });
        let mut last = Moment::default();
        for ended in join_all(each).await {
            last = last.max(ended?);
        }
        Ok(last)
    }

    fn note(&self, fault: Fault, done: Done) {
        let mut log = self.log();
        log.marks.push(done.mark);
        log.windows.extend(done.windows);
        log.operations.extend(done.operations);
        *log.counts.entry(fault.name()).or_default() += 1;
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // The log is whole between any two statements.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

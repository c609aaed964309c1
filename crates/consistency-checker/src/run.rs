//! One run: clients at work, faults under them, then quiet, then the check.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checker::{Promises, check};
use crate::clock::{Clock, Stalls};
use crate::cluster::Cluster;
use crate::error::CheckError;
use crate::faults::schedule::{FaultPlan, Faults};
use crate::history::History;
use crate::quiet::last_words;
use crate::report::Report;
use crate::resources::Resources;
use crate::sampler::Sampler;
use crate::workload::plan::Plan;
use crate::workload::{Work, Workload};

/// What the change stream and repairs are given, and a machine that is busy with other things.
const NOTICED: Duration = Duration::from_secs(1);
/// Of a request and a commit, beyond what is measured.
const SLACK: Duration = Duration::from_millis(250);
/// After the last write, until all must agree.
pub(crate) const QUIET: Duration = Duration::from_secs(2);

/// How long the work of a run may take beyond its time: it only ends what does not go on at all.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a run does.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How long clients are at work at least.
    pub duration: Duration,
    /// How much they must have done until they may end: a machine that is slow takes longer for it.
    pub at_least: Work,
    /// What is drawn from.
    pub seed: u64,
    /// What the clients do.
    pub plan: Plan,
    /// What is broken.
    pub faults: FaultPlan,
    /// How long an L1 may keep what has changed; zero if there is none.
    pub l1_ttl: Duration,
    /// Whether to wait for quiet and ask everybody of every id.
    pub last_words: bool,
}

/// Runs, checks, and tells.
///
/// # Errors
/// The run could not be made. What the check finds is no error.
pub async fn run(cluster: &Arc<Cluster>, options: &RunOptions) -> Result<Report, CheckError> {
    let (clock, stalls) = (Clock::start(), Stalls::measure());
    let watched: Vec<Arc<str>> = options.plan.hot_ids.clone();
    let sampler = Sampler::start(cluster, &clock, watched.clone());
    let resources = Resources::start(cluster);
    let workload = Workload::start(cluster, &clock, options.plan.clone(), options.seed);
    let faults = Faults::start(cluster, &clock, options.faults.clone(), watched, workload.hand(), options.seed);
    tokio::time::sleep(options.duration).await;
    let began = Instant::now();
    while !workload.done().is_at_least(options.at_least) {
        if began.elapsed() > PATIENCE {
            return Err(CheckError::TooLittle { wanted: options.at_least, done: workload.done() });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let log = faults.finish().await?;
    let mut operations = workload.finish().await?;
    operations.extend(log.operations);
    let (cells, resources) = (sampler.finish().await?, resources.finish());
    let longest_stall = stalls.longest();
    let last_words = if options.last_words {
        let quiet = log.windows.iter().map(|window| window.until).max().unwrap_or_default();
        let quiet = quiet.max(clock.now().plus(QUIET + options.l1_ttl));
        tokio::time::sleep(Duration::from_nanos(quiet.0.saturating_sub(clock.now().0))).await;
        let ids: Vec<Arc<str>> = options.plan.ids().cloned().collect();
        last_words(cluster, &ids).await?
    } else {
        Vec::new()
    };
    let history = History { operations, faults: log.marks, windows: log.windows, cells, last_words };
    let verdict = check(&history, &promises(options.l1_ttl, longest_stall));
    Ok(Report { resources, ..Report::new(&history, verdict, log.counts, longest_stall) })
}

/// What is promised on a machine that let nobody run for so long.
pub(crate) fn promises(l1_ttl: Duration, longest_stall: Duration) -> Promises {
    let slack = SLACK + longest_stall * 2;
    Promises {
        lag: if l1_ttl.is_zero() { Duration::ZERO } else { l1_ttl + slack },
        deferred_lag: NOTICED + slack,
        foreign_lag: NOTICED + slack,
    }
}

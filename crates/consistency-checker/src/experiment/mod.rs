//! One fault under load, with a steady state before it and a recovery after it: what it costs, and how long.
//!
//! - [`row`]: what came of it, in figures.

pub mod row;

use std::sync::Arc;
use std::time::Duration;

use test_servers::fresh_name;

use self::row::Row;
use crate::checker::check;
use crate::clock::{Clock, Stalls};
use crate::cluster::Cluster;
use crate::cluster::node::Node;
use crate::error::CheckError;
use crate::faults::Fault;
use crate::faults::schedule::{FaultPlan, Faults};
use crate::history::History;
use crate::quiet::last_words;
use crate::run::{QUIET, promises};
use crate::sampler::Sampler;
use crate::workload::Workload;
use crate::workload::plan::Plan;

/// How long each part of an experiment takes.
#[derive(Debug, Clone, Copy)]
pub struct Phases {
    /// Nothing is broken yet, and caches are filled: what comes later is held against this.
    pub before: Duration,
    /// How long faults that are over in a moment come again and again. One that lasts comes once, for as long as it draws.
    pub during: Duration,
    /// Nothing is broken any more.
    pub after: Duration,
}

/// Breaks one thing under clients at work.
///
/// # Errors
/// It could not be made. What the check finds is no error.
pub async fn experiment(
    cluster: &Arc<Cluster>,
    fault: Fault,
    phases: Phases,
    clients: u32,
    seed: u64,
) -> Result<Row, CheckError> {
    let mut plan = Plan::new(&fresh_name("todo"));
    plan.clients = clients;
    let ids: Vec<Arc<str>> = plan.ids().cloned().collect();
    let (clock, stalls) = (Clock::start(), Stalls::measure());
    let sampler = Sampler::start(cluster, &clock, plan.hot_ids.clone());
    let workload = Workload::start(cluster, &clock, plan.clone(), seed);
    tokio::time::sleep(phases.before).await;
    let loads_before = loads(cluster).await;
    let broken = Faults::start(cluster, &clock, FaultPlan::of(&[fault]), plan.hot_ids.clone(), workload.hand(), seed);
    if fault.is_brief() {
        tokio::time::sleep(phases.during).await;
    } else {
        broken.begun().await;
    }
    let log = broken.finish().await?;
    tokio::time::sleep(phases.after).await;
    let loads_after = loads(cluster).await;
    let mut operations = workload.finish().await?;
    operations.extend(log.operations);
    let cells = sampler.finish().await?;
    let longest_stall = stalls.longest();
    let quiet = log.windows.iter().map(|window| window.until).max().unwrap_or_default().max(clock.now().plus(QUIET));
    tokio::time::sleep(Duration::from_nanos(quiet.0.saturating_sub(clock.now().0))).await;
    let last_words = last_words(cluster, &ids).await?;
    let history = History { operations, faults: log.marks, windows: log.windows, cells, last_words };
    let verdict = check(&history, &promises(Duration::ZERO, longest_stall));
    let loads = loads_before.iter().zip(loads_after).map(|(before, after)| since(*before, after)).sum();
    Ok(Row::new(fault, &history, verdict.violations, loads))
}

/// How often each process has asked the store, as its metrics say.
async fn loads(cluster: &Cluster) -> Vec<Option<u64>> {
    let mut all = Vec::new();
    for node in &cluster.nodes {
        all.push(loads_of(node).await);
    }
    all
}

async fn loads_of(node: &Node) -> Option<u64> {
    let metrics = node.http.get(node.metrics()).send().await.ok()?.text().await.ok()?;
    let line = metrics.lines().find(|line| line.starts_with("cache_loads_total "))?;
    line.rsplit_once(' ')?.1.parse::<f64>().ok().map(|loads| loads as u64)
}

/// A process that was started again counts from the beginning.
fn since(before: Option<u64>, after: Option<u64>) -> u64 {
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    after.checked_sub(before).unwrap_or(after)
}

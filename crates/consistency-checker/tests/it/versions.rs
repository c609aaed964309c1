//! A version never comes twice for an id, nor goes back, however creates, updates and deletes of it race.

use std::time::Duration;

use consistency_checker::faults::schedule::FaultPlan;
use consistency_checker::run::{RunOptions, run};
use consistency_checker::workload::Work;
use consistency_checker::workload::plan::Mix;

use crate::support::{cluster, short};

/// Creates, updates and deletes of one todo, as fast as they can.
pub(crate) fn racing() -> RunOptions {
    let mut options = short(1, FaultPlan::of(&[]));
    options.plan.hot_ids.truncate(1);
    options.plan.more_ids.clear();
    options.plan.clients = 48;
    options.plan.pause = Duration::ZERO;
    options.plan.mix = Mix { get: 10, get_many: 0, put: 30, patch: 0, post: 30, delete: 30 };
    options.last_words = false;
    options.at_least = Work { reads: 30, writes: 100, foreign: 0 };
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_never_comes_twice_however_creates_and_deletes_race() {
    let cluster = cluster(&[]).await;
    let report = run(&cluster, &racing()).await.unwrap();
    assert!(report.is_clean(), "{report}");
    cluster.store.drop_database().await;
}

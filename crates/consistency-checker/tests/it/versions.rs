//! A version never comes twice for an id, nor goes back, however creates, updates and deletes of it race.

use std::time::Duration;

use consistency_checker::faults::schedule::FaultPlan;
use consistency_checker::run::run;
use consistency_checker::workload::plan::Mix;

use crate::support::{cluster, short};

#[tokio::test(flavor = "multi_thread")]
async fn a_version_never_comes_twice_however_creates_and_deletes_race() {
    let cluster = cluster(&[]).await;
    let mut options = short(8, FaultPlan::of(&[]));
    options.plan.hot_ids.truncate(1);
    options.plan.more_ids.clear();
    options.plan.clients = 48;
    options.plan.pause = Duration::ZERO;
    options.plan.mix = Mix { get: 10, put: 30, patch: 0, post: 30, delete: 30 };
    options.last_words = false;
    let report = run(&cluster, &options).await.unwrap();
    assert!(report.is_clean(), "{report}");
    cluster.drop_database().await;
}

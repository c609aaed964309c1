//! The example over PostgreSQL keeps what todo-api keeps: two processes, one Redis, and somebody who writes past them in SQL.

use std::time::Duration;

use consistency_checker::faults::Fault;
use consistency_checker::faults::schedule::FaultPlan;
use consistency_checker::run::run;
use consistency_checker::workload::Work;
use consistency_checker::workload::plan::{Mix, Plan};

use crate::support::{must_be_clean, postgres_cluster, short};
use crate::versions::racing;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_while_somebody_writes_past_it_in_sql() {
    let cluster = postgres_cluster(&[]).await;
    let mut options = short(2, FaultPlan::of(&[Fault::Flush, Fault::Cell, Fault::Lease, Fault::Pubsub]));
    options.plan.foreign_ids = Plan::new("foreign").foreign_ids;
    options.at_least = Work { reads: 1_000, writes: 200, foreign: 50 };
    must_be_clean(&cluster, &options).await;
    cluster.store.drop_database().await;
}

/// Nobody but SQL writers write: what the change stream does not tell of, nobody makes up for. Some of its
/// transactions stay open while later ones commit.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_of_what_is_written_in_sql_alone() {
    let cluster = postgres_cluster(&[]).await;
    let mut options = short(3, FaultPlan::of(&[]));
    // So many that the next write of a todo does not soon make up for one that was missed.
    options.plan.foreign_ids = (0..200).map(|number| format!("todo {number}").into()).collect();
    options.plan.hot_ids = options.plan.foreign_ids.clone();
    options.plan.more_ids.clear();
    options.plan.foreign_pause = Duration::from_millis(10);
    options.plan.foreign_writers = 4;
    options.plan.mix = Mix { get: 90, get_many: 10, put: 0, patch: 0, post: 0, delete: 0 };
    options.at_least = Work { reads: 1_500, writes: 0, foreign: 150 };
    let report = run(&cluster, &options).await.unwrap();
    assert!(report.is_clean(), "{report}");
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_with_l1_and_writers_that_only_invalidate() {
    let cluster = postgres_cluster(&["--l1-ms", "500", "--write-policy", "invalidate"]).await;
    let mut options = short(2, FaultPlan::of(&[Fault::Cell, Fault::Pubsub]));
    options.plan.foreign_ids = Plan::new("foreign").foreign_ids;
    options.l1_ttl = Duration::from_millis(500);
    options.at_least = Work { reads: 500, writes: 100, foreign: 30 };
    must_be_clean(&cluster, &options).await;
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_never_comes_twice_however_creates_and_deletes_race() {
    let cluster = postgres_cluster(&[]).await;
    let report = run(&cluster, &racing()).await.unwrap();
    assert!(report.is_clean(), "{report}");
    cluster.store.drop_database().await;
}

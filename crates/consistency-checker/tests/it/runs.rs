//! Short runs against the service as it is: nothing may be found.

use consistency_checker::faults::Fault;
use consistency_checker::faults::schedule::FaultPlan;

use crate::support::{cluster, must_be_clean, over_redis_cluster, over_sentinels, short};

/// A machine that is busy keeps the store waiting, too: what is counted is what the cache costs.
const PATIENT: [&str; 4] = ["--store-timeout", "60s", "--store-queue", "60s"];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_under_flushes_and_evictions() {
    let cluster = cluster(&[]).await;
    let faults = FaultPlan::of(&[Fault::Flush, Fault::Evict, Fault::Cell, Fault::Lease]);
    let report = must_be_clean(&cluster, &short(3, faults)).await;
    assert!(!report.faults.is_empty(), "faults were injected:\n{report}");
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_when_writers_only_invalidate() {
    let cluster = cluster(&["--write-policy", "invalidate"]).await;
    must_be_clean(&cluster, &short(2, FaultPlan::of(&[Fault::Flush, Fault::Cell]))).await;
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_and_no_request_fails_over_a_redis_cluster_whose_primaries_are_killed_and_whose_slots_move() {
    let cluster = over_redis_cluster(&PATIENT).await;
    let faults = [Fault::Flush, Fault::Evict, Fault::Cell, Fault::Lease, Fault::Pubsub, Fault::Connections];
    let report = must_be_clean(&cluster, &short(3, FaultPlan::of(&faults))).await;
    assert!(!report.faults.is_empty(), "faults were injected:\n{report}");

    let mut options = short(20, FaultPlan::of(&[Fault::ShardKill, Fault::Slots]));
    options.at_least.reads = 2_000;
    let report = must_be_clean(&cluster, &options).await;
    assert!(!report.faults.is_empty(), "faults were injected:\n{report}");
    let failed = report.failures.keys().any(|what| what.starts_with('5'));
    assert!(!failed, "a server of the cache that is away, or a slot that moves, fails no request:\n{report}");
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_and_no_request_fails_when_the_replica_of_redis_takes_its_place() {
    let cluster = over_sentinels(&PATIENT).await;
    let mut options =
        short(20, FaultPlan::of(&[Fault::Flush, Fault::Failover, Fault::FailoverKill, Fault::FailoverStop]));
    options.at_least.reads = 2_000;
    let report = must_be_clean(&cluster, &options).await;
    assert!(report.faults.keys().any(|fault| fault.starts_with("failover")), "{report}");
    assert!(!report.failures.keys().any(|what| what.starts_with('5')), "a failover fails no request:\n{report}");
    cluster.store.drop_database().await;
}

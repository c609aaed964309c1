//! Short runs against the service as it is: nothing may be found.

use consistency_checker::faults::Fault;
use consistency_checker::faults::schedule::FaultPlan;

use crate::support::{cluster, must_be_clean, short};

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

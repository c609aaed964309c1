//! What a fault costs, and for how long, as `make faults` measures it.

use std::time::Duration;

use consistency_checker::experiment::row::Table;
use consistency_checker::experiment::{Phases, experiment};
use consistency_checker::faults::Fault;

use crate::support::linked_cluster;

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_measured_from_a_steady_state_to_recovery_and_break_no_promise() {
    let cluster = linked_cluster().await;
    let phases =
        Phases { before: Duration::from_secs(2), during: Duration::from_secs(1), after: Duration::from_secs(2) };
    let mut rows = Vec::new();
    for (seed, fault) in [Fault::Flush, Fault::RedisRefused, Fault::StoreRefused].into_iter().enumerate() {
        rows.push(experiment(&cluster, fault, phases, 8, seed as u64).await.unwrap());
    }
    let table = Table(&rows).to_string();
    eprintln!("{table}");
    for (row, name) in rows.iter().zip(["flush", "redis-refused", "store-refused"]) {
        assert!(row.fault == name && row.times > 0 && table.contains(name), "{table}");
        assert!(row.requests > 0 && row.loads > 0 && row.lasted_ms > 0, "{table}");
        assert_eq!(row.wrong, 0, "{table}");
        assert!(row.p99_before_ms > 0.0, "{table}");
    }
    // On a machine that is busy, requests fail without any fault, too: they take longer than clients wait.
    assert!(rows[2].failed_during > 0, "writes need the store:\n{table}");
    cluster.store.drop_database().await;
}

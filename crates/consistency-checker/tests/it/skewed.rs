//! Nodes whose wall clocks are minutes ahead or behind: nothing is promised less because of it, and nothing costs hits.
//!
//! The service is the build with switches: a process takes its clock from a variable.

use std::sync::Mutex;

use consistency_checker::cluster::node::Node;
use consistency_checker::faults::Fault;
use consistency_checker::faults::schedule::FaultPlan;
use test_servers::fresh_name;

use crate::support::{must_be_clean, short, skewed_cluster, until};
use crate::teeth::service;

const CLOCKS: [&str; 2] = ["+300s", "-300s"];
/// No test of hits is about being fast.
const PATIENT: [(&str, &str); 2] = [("TODO_REDIS_TIMEOUT", "5s"), ("TODO_PUBLISH_TIMEOUT", "5s")];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_where_clocks_are_minutes_apart() {
    let cluster = skewed_cluster(service(), &[], &[("TODO_LOG", "error")], CLOCKS).await;
    let faults = [Fault::Flush, Fault::Evict, Fault::Cell, Fault::Lease, Fault::Pubsub, Fault::Kill, Fault::Snapshot];
    must_be_clean(&cluster, &short(12, FaultPlan::of(&faults))).await;
    cluster.store.drop_database().await;
}

async fn put(node: &Node, id: &str, name: &str) {
    let put = node.http.put(node.todo(id)).header("content-type", "application/json");
    let answer = put.body(format!(r#"{{"name":"{name}"}}"#)).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

/// How a read was answered, and the body.
async fn get(node: &Node, id: &str) -> (String, String) {
    let answer = node.http.get(node.todo(id)).send().await.unwrap();
    let how = answer.headers()["cache-status"].to_str().unwrap().to_owned();
    (how, answer.text().await.unwrap())
}

async fn hits(node: &Node, ids: &[String]) -> usize {
    let mut hits = 0;
    for id in ids {
        hits += usize::from(get(node, id).await.0.contains("hit"));
    }
    hits
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_starter_with_a_wrong_clock_that_is_gone_leaves_no_trace() {
    for clocks in [CLOCKS, ["-300s", "+300s"]] {
        let cluster = skewed_cluster(service(), &["--change-stream", "off"], &PATIENT, clocks).await;
        let ids: Vec<String> = (0..40).map(|_| fresh_name("todo")).collect();
        for id in &ids {
            put(&cluster.nodes[0], id, "one").await;
        }
        cluster.nodes[0].kill();
        for round in ["after it is gone", "after FLUSHALL"] {
            for node in &cluster.nodes[1..] {
                hits(node, &ids).await;
                assert_eq!(hits(node, &ids).await, ids.len(), "{clocks:?}, {round}");
            }
            cluster.redis.command::<()>(&["FLUSHALL"]).unwrap();
        }
        cluster.store.drop_database().await;
    }
}

/// Redis comes back as it was before the last write. Whether the value of before is answered.
async fn is_old_value_answered(off: &str, clock_of_writer: &str) -> bool {
    let variables = [[("TODO_TEETH", off)].as_slice(), &PATIENT].concat();
    let cluster = skewed_cluster(service(), &["--change-stream", "off"], &variables, [clock_of_writer, "+0s"]).await;
    let (id, writer, reader) = (fresh_name("todo"), &cluster.nodes[0], &cluster.nodes[1]);
    put(writer, &id, "old").await;
    assert!(get(reader, &id).await.1.contains("old"));
    cluster.redis.save_snapshot().unwrap();
    put(writer, &id, "new").await;
    writer.kill();
    cluster.redis.restart_from_snapshot().unwrap();
    let answered = Mutex::new(String::new());
    until("Redis is used again", || async {
        let (how, body) = get(reader, &id).await;
        answered.lock().unwrap().push_str(&body);
        how.contains("hit")
    })
    .await;
    cluster.store.drop_database().await;
    answered.into_inner().unwrap().contains("old")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_filled_whose_clock_is_ahead_is_not_answered_by_a_redis_that_went_back_in_time() {
    assert!(!is_old_value_answered("", "+300s").await);
    assert!(is_old_value_answered("clock", "+300s").await, "by the clocks of the nodes it is");
}

//! What is broken is broken, for whom it is said; and nothing is found while it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use consistency_checker::cluster::Cluster;
use consistency_checker::cluster::network::Links;
use consistency_checker::cluster::node::Node;
use consistency_checker::cluster::system::Servers;
use consistency_checker::faults::Fault;
use consistency_checker::faults::deck::Deck;
use consistency_checker::faults::schedule::FaultPlan;
use consistency_checker::report::Report;
use consistency_checker::run::{RunOptions, run};
use consistency_checker::store::InsertAs;
use consistency_checker::workload::plan::Plan;
use consistency_checker::workload::{Reply, ask};
use mongodb::bson::doc;
use test_servers::Hole;

use crate::support::{cluster, linked_cluster, of_their_own, short, until};

const LASTING: [Fault; 6] =
    [Fault::Restart, Fault::Kill, Fault::RedisHole, Fault::StoreHole, Fault::StepDown, Fault::Swap];

#[test]
fn a_seed_draws_one_sequence_of_faults_in_which_every_kind_comes_as_often_as_any_other() {
    let sequence = |seed| Deck::new(&LASTING, seed).take(100).collect::<Vec<_>>();
    assert_eq!(sequence(7), sequence(7));
    assert_ne!(sequence(7), sequence(8));

    let mut counts: BTreeMap<Fault, usize> = BTreeMap::new();
    let (mut kinds, mut pairs) = (Deck::new(&LASTING, 1).flatten(), 0);
    for _ in 0..10 {
        kinds.by_ref().take(LASTING.len()).for_each(|(fault, _)| *counts.entry(fault).or_default() += 1);
    }
    assert_eq!(counts, LASTING.iter().map(|fault| (*fault, 10)).collect());
    for drawn in sequence(1) {
        let alone = |fault| drawn.len() == 1 || drawn.iter().all(|(other, _)| *other != fault);
        assert!(drawn.len() <= 2 && alone(Fault::Swap), "{drawn:?}");
        pairs += drawn.len() - 1;
    }
    assert!(pairs > 5, "{pairs} times two at once");
    assert_eq!(Deck::new(&[], 1).count(), 0);
}

fn links(node: &Node) -> &Links {
    node.links.as_ref().unwrap()
}

async fn how(node: &Node, id: &str) -> String {
    match ask(node, id).await {
        Some(Reply::Todo { cache_status, .. }) => cache_status.to_string(),
        Some(Reply::Nothing) => "nothing".to_owned(),
        None => "no answer".to_owned(),
    }
}

async fn says(cluster: &Cluster, node: usize, id: &str, wanted: &str) {
    let node = &cluster.nodes[node];
    until(&format!("{} says {wanted} of {id}", node.process()), async || how(node, id).await.contains(wanted)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_to_redis_or_the_store_is_lost_for_one_process_alone() {
    let cluster = linked_cluster().await;
    for id in ["kept", "other"] {
        assert!(cluster.store.insert(id, "first", InsertAs::Usual).await.unwrap());
    }
    says(&cluster, 0, "kept", "hit").await;
    links(&cluster.nodes[0]).redis.black_hole(Hole::Both);
    says(&cluster, 0, "kept", "bypass").await;
    says(&cluster, 1, "kept", "hit").await;
    links(&cluster.nodes[0]).redis.heal();
    says(&cluster, 0, "kept", "hit").await;

    links(&cluster.nodes[0]).store.iter().for_each(|proxy| proxy.refuse());
    says(&cluster, 0, "other", "no answer").await;
    until("what the other process reads and keeps is answered", async || {
        let other = how(&cluster.nodes[1], "other").await;
        other.contains("hit") && how(&cluster.nodes[0], "other").await.contains("hit")
    })
    .await;
    links(&cluster.nodes[0]).store.iter().for_each(|proxy| proxy.heal());
    says(&cluster, 0, "other", "hit").await;
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_change_stream_leaves_the_other_connections_of_its_process_alone() {
    let cluster = linked_cluster().await;
    let follows = |number: usize| links(&cluster.nodes[number]).follows_changes();
    until("one process follows the changes", async || follows(0) != follows(1)).await;
    let leader = usize::from(follows(1));
    links(&cluster.nodes[leader]).silence_changes();
    // What it asked last hangs for good.
    until("its question hangs", async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        follows(leader)
    })
    .await;
    for number in 0..20 {
        let id = format!("new {number}");
        assert!(cluster.store.insert(&id, "first", InsertAs::Usual).await.unwrap());
        says(&cluster, leader, &id, "miss").await;
    }
    links(&cluster.nodes[leader]).store.iter().for_each(|proxy| proxy.heal());
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_fail_for_the_service_alone_and_for_their_time() {
    let cluster = of_their_own(Servers::One).await;
    let failing = Arc::clone(&cluster);
    let failing = tokio::task::spawn_blocking(move || {
        let refuse = doc! { "errorCode": 96 };
        failing.store.mongo().unwrap().servers.fail_commands(&["find"], 1.0, refuse, Duration::from_secs(2)).unwrap();
    });
    let mut number = 0;
    until("a read fails", async || {
        number += 1;
        how(&cluster.nodes[0], &format!("id {number}")).await == "no answer"
    })
    .await;
    assert!(cluster.store.find("some id").await.unwrap().is_none());
    failing.await.unwrap();
    says(&cluster, 0, "some id", "nothing").await;
}

/// Less than always is promised, so that fewer reads than always are checked.
async fn nothing_is_found(cluster: &Arc<Cluster>, options: &RunOptions) -> Report {
    let report = run(cluster, options).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(report.reads_checked > 20 && report.writes > 20, "hardly anything happened:\n{report}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_while_single_processes_lose_redis_and_the_store() {
    let cluster = linked_cluster().await;
    let faults = [Fault::Flush, Fault::RedisHole, Fault::StoreHole, Fault::RedisRefused];
    let report = nothing_is_found(&cluster, &short(3, FaultPlan::of(&faults))).await;
    assert!(report.faults.keys().any(|fault| *fault != "flush"), "{report}");
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_while_mongodb_fails_over() {
    let cluster = of_their_own(Servers::Three).await;
    let report = run(&cluster, &short(3, FaultPlan::of(&[Fault::Cell, Fault::StepDown]))).await.unwrap();
    assert!(report.is_clean(), "{report}");
    // Until the new primary is settled only bodies and versions are promised, and that may be the whole run.
    assert!(report.faults["step-down"] > 0 && report.reads > 100 && report.writes > 20, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_when_another_collection_takes_the_place_of_the_served_one() {
    let cluster = cluster(&[]).await;
    let mut options = short(5, FaultPlan::of(&[Fault::Swap]));
    options.plan.foreign_ids = Plan::new("foreign").foreign_ids;
    let report = nothing_is_found(&cluster, &options).await;
    assert!(report.faults["swap"] > 0 && report.writes_foreign > 8, "{report}");
    cluster.store.drop_database().await;
}

//! A primary that is cut off from the others acknowledges a write, and dies: with the guard `majority` off the write is
//! lost, and the checker must notice; with it on the same death costs answers, never the truth.

use std::time::Duration;

use consistency_checker::checker::{Promises, Verdict, check};
use consistency_checker::clock::Clock;
use consistency_checker::history::{History, Suspends, Window};
use consistency_checker::store::InsertAs;
use consistency_checker::workload::plan::{Mix, Plan};
use consistency_checker::workload::{Reply, Workload, ask};
use test_servers::{MongoSet, fresh_name};

use crate::support::{cluster_over, until};
use crate::teeth::service;

/// After an election, until nothing older than what was acknowledged may be answered.
const SETTLED: Duration = Duration::from_secs(2);

/// Clients write and read while the primary is cut off, dies, and another takes its place; then the cache
/// is emptied.
async fn fail_over(off: &str) -> Verdict {
    let mut set = tokio::task::spawn_blocking(MongoSet::start).await.unwrap();
    let variables = [("TODO_TEETH", off), ("TODO_LOG", "error")];
    let cluster = cluster_over(set.url(), service(), &[], &variables).await;
    let mut plan = Plan::new(&fresh_name("todo"));
    // Many, so that some are read before they are written again.
    plan.hot_ids = plan.more_ids.clone();
    plan.foreign_ids.clear();
    plan.mix = Mix { get: 80, get_many: 0, put: 20, patch: 0, post: 0, delete: 0 };
    plan.pause = Duration::from_millis(20);
    let clock = Clock::start();
    let workload = Workload::start(&cluster, &clock, plan, 7);

    until("clients are at work", async || workload.done().writes >= 20).await;
    let from = clock.now();
    let set = tokio::task::spawn_blocking(move || {
        let primary = set.wait_for_primary();
        set.suspend_all_but(primary);
        // Not so long that it steps down by itself.
        std::thread::sleep(Duration::from_millis(700));
        set.kill_and_resume_others(primary);
        set.wait_for_primary();
        set
    })
    .await
    .unwrap();
    cluster.redis.command::<()>(&["FLUSHALL"]).unwrap();
    // A new primary answers with what it knows to be committed; for a moment that may be older than what is, and until the
    // engine has settled with it, that may be cached.
    tokio::time::sleep(SETTLED).await;
    // On a machine that is slower than that it has when it tells of what is written after the election.
    assert!(cluster.store.insert("after", "the election", InsertAs::Usual).await.unwrap());
    for node in &cluster.nodes {
        until("the change stream goes on", async || matches!(ask(node, "after").await, Some(Reply::Todo { .. }))).await;
    }
    let windows = vec![Window { from, until: clock.now(), suspends: Suspends::Everything }];
    let before = workload.done().reads;
    until("clients have read again", async || workload.done().reads >= before + 100).await;
    let operations = workload.finish().await.unwrap();
    drop(set);
    check(&History { operations, windows, ..History::default() }, &Promises::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_only_a_deposed_primary_has_is_missed_when_it_was_acknowledged() {
    let verdict = fail_over("majority").await;
    assert!(!verdict.violations.is_empty(), "nothing was found in {} reads", verdict.reads_checked);
    eprintln!("{}", verdict.violations[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_when_writes_wait_for_a_majority() {
    let verdict = fail_over("").await;
    let stories: Vec<String> = verdict.violations.iter().map(ToString::to_string).collect();
    assert!(stories.is_empty(), "{}", stories.join("\n"));
    assert!(verdict.reads_checked > 20, "hardly anything was read");
}

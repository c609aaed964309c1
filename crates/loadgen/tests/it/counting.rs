//! What is sent, and that it is all counted.

use std::collections::HashSet;

use actix_web::HttpResponse;
use actix_web::http::Method;
use serde_json::Value;

use crate::support::{by_name, run};
use crate::target::{Seen, Target, honest, todo};

#[tokio::test(flavor = "multi_thread")]
async fn exactly_as_many_requests_are_sent_as_asked_for() {
    for (requests, users) in [("1", "1"), ("7", "20"), ("1000", "8")] {
        let target = Target::start(honest);
        let summary = run(&target.url(), &["--requests", requests, "--users", users, "--hatch-rate", "1000"]).await;
        assert_eq!(target.count().to_string(), requests);
        assert_eq!(summary.requests.to_string(), requests);
        assert_eq!((summary.failures, summary.interrupted), (0, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_with_its_time_and_counts_every_request() {
    let target = Target::start(honest);
    let summary = run(&target.url(), &["--run-time", "700ms"]).await;
    assert_eq!(summary.requests, target.count() as u64);
    assert_eq!(by_name(&summary.statuses), [("200", summary.requests)].into());
    assert_eq!(summary.timeline.iter().map(|second| second.requests).sum::<u64>(), summary.requests);
    assert_eq!(summary.distribution.iter().map(|bucket| bucket.count).sum::<u64>(), summary.requests);
    assert!(summary.seconds >= 0.6, "{}", summary.seconds);
    assert!(!summary.interrupted);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_reads_have_one_name_and_ask_for_ids_of_the_range() {
    let target = Target::start(honest);
    let summary = run(&target.url(), &["--requests", "500", "--ids", "10..12"]).await;
    let names: Vec<_> = summary.by_request.iter().map(|request| (request.name, request.requests)).collect();
    assert_eq!(names, [("GET /todos/{id}", 500)]);
    let paths: HashSet<_> = target.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/todos/10", "/todos/11", "/todos/12"].map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_ids_are_asked_for_as_often_as_said_and_404_is_right() {
    let target = Target::start(honest);
    let summary = run(&target.url(), &["--requests", "2000", "--missing", "0.3", "--seed", "1"]).await;
    let missing = target.seen().iter().filter(|seen| seen.id().starts_with("missing-")).count() as u64;
    assert!((500..700).contains(&missing), "{missing}");
    assert_eq!(by_name(&summary.statuses), [("200", 2000 - missing), ("404", missing)].into());
    assert_eq!(summary.failures, 0, "{:?}", summary.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_are_made_as_often_as_said_and_never_with_the_same_id() {
    let target = Target::start(honest);
    let flags = ["--requests", "1000", "--hatch-rate", "1000", "--write", "0.5", "--seed", "1"];
    let (first, second) = (run(&target.url(), &flags).await, run(&target.url(), &flags).await);
    let seen = target.seen();
    let posts: Vec<&Seen> = seen.iter().filter(|seen| seen.method == Method::POST).collect();
    assert!((800..1200).contains(&posts.len()), "{}", posts.len());
    assert!(posts.iter().all(|post| post.path == "/todos/"));
    let ids: HashSet<String> = posts.iter().map(|post| body_of(post)["id"].to_string()).collect();
    assert_eq!(ids.len(), posts.len());
    let created = by_name(&first.statuses)["201"] + by_name(&second.statuses)["201"];
    assert_eq!(created, posts.len() as u64);
    assert_eq!((first.failures, second.failures), (0, 0), "{:?}", first.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_draws_the_same_ids_again_and_another_does_not() {
    let target = Target::start(honest);
    let mut drawn = Vec::new();
    for seed in ["5", "5", "6"] {
        let before = target.count();
        run(&target.url(), &["--requests", "50", "--users", "1", "--seed", seed]).await;
        drawn.push(target.seen()[before..].iter().map(|seen| seen.path.clone()).collect::<Vec<_>>());
    }
    assert_eq!(drawn[0], drawn[1]);
    assert_ne!(drawn[0], drawn[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_with_one_seed_do_not_all_ask_for_the_same() {
    let target = Target::start(honest);
    run(&target.url(), &["--requests", "400", "--users", "8", "--hatch-rate", "1000", "--seed", "5"]).await;
    let paths: HashSet<_> = target.seen().into_iter().map(|seen| seen.path).collect();
    assert!(paths.len() > 380, "{}", paths.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_have_a_path_with_or_without_a_slash() {
    fn below_a_path(seen: &Seen) -> HttpResponse {
        if seen.path.starts_with("/base/v1/todos/") { todo(seen.id()) } else { HttpResponse::BadRequest().finish() }
    }
    let target = Target::start(below_a_path);
    for path in ["/base/v1", "/base/v1/"] {
        let summary = run(&(target.url() + path), &["--requests", "10"]).await;
        assert_eq!((summary.requests, summary.failures), (10, 0), "{:?}", summary.errors);
    }
}

fn body_of(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap()
}

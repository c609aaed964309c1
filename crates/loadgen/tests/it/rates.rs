//! `--rate`: requests that become due however long answers take.

use std::time::Duration;

use crate::support::{options, run};
use crate::target::{Target, honest};

#[tokio::test(flavor = "multi_thread")]
async fn requests_become_due_at_the_rate_that_is_asked_for() {
    let target = Target::start(honest);
    let summary =
        run(&target.url(), &["--rate", "100/s", "--requests", "150", "--users", "20", "--hatch-rate", "1000"]).await;
    assert_eq!((summary.requests, summary.failures), (150, 0));
    // The last one is due 1.49 s after the first; a busy machine takes longer.
    assert!(summary.seconds >= 1.49, "{}", summary.seconds);
    assert_eq!((summary.parameters.rate.as_deref(), summary.due), (Some("100/s"), Some(150)));
    assert!(summary.hints.is_empty(), "{:?}", summary.hints);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_for_a_free_user_has_waited_since_it_was_due() {
    // Two users that each take at least 100 ms for a request do 20 a second at most; the last of 40 is due after 0.39 s, and is
    // sent after 1.9 s at the earliest.
    let slow = Duration::from_millis(100);
    let target = Target::start_slow(slow, honest);
    let flags = ["--requests", "40", "--users", "2", "--hatch-rate", "1000"];
    let open = run(&target.url(), &[&flags[..], &["--rate", "100/s"]].concat()).await;
    assert_eq!((open.requests, open.failures), (40, 0));
    let latency = open.latency.unwrap();
    assert!(latency.max_us >= 1_500_000, "{latency:?}");
    assert!(latency.p50_us >= 700_000, "{latency:?}");
    // Without a rate nothing is due, and each request begins when it is sent.
    let closed = run(&target.url(), &flags).await;
    assert!(closed.latency.unwrap().p50_us < latency.p50_us && closed.due.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_is_not_reached_is_said_with_what_was_never_sent() {
    let target = Target::start_slow(Duration::from_millis(200), honest);
    let summary =
        run(&target.url(), &["--rate", "200/s", "--run-time", "2s", "--users", "2", "--hatch-rate", "1000"]).await;
    assert!(summary.due.unwrap() > summary.requests, "{summary:?}");
    let hint = summary.hints.concat();
    assert!(hint.starts_with("the rate 200/s was not reached: ") && hint.contains("were never sent"), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_what_is_due_later() {
    let target = Target::start(honest);
    let summary =
        run(&target.url(), &["--rate", "1/s", "--run-time", "1s", "--users", "60", "--hatch-rate", "1000"]).await;
    assert!(summary.requests <= 2, "{}", summary.requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_follow_each_other_and_the_run_ends_with_the_last() {
    let target = Target::start(honest);
    let summary = run(&target.url(), &["--stages", "1s:10/s,1s:60/s", "--users", "20", "--hatch-rate", "1000"]).await;
    // A busy machine may begin a request too late for the end of its stage, and never one too many.
    assert!((20..=70).contains(&summary.requests), "{}", summary.requests);
    assert_eq!((summary.failures, summary.parameters.rate.as_deref()), (0, Some("1s:10/s,1s:60/s")));
    assert!(summary.timeline[0].requests <= 11, "{:?}", summary.timeline[0]);
    let both = options(&target.url(), &["--rate", "5/s", "--stages", "1s:5/s"]).check().unwrap_err().to_string();
    assert!(both.starts_with("--rate and --stages: "), "{both}");
}

#[test]
fn a_rate_is_a_whole_number_a_second_above_0() {
    assert_eq!(options("http://h", &["--rate", "5000/s"]).rate.unwrap().get(), 5000);
    for wrong in ["0/s", "0", "-1/s", "fast", "1.5/s"] {
        let words = ["loadgen", &format!("--rate={wrong}")];
        let error = <loadgen::Options as clap::Parser>::try_parse_from(words).unwrap_err().to_string();
        assert!(error.contains("must be a whole number a second above 0, like 5000/s"), "{error}");
    }
}

//! Thresholds decide the program's exit code.

use std::process::Output;
use std::time::Duration;

use actix_web::HttpResponse;

use crate::support::program;
use crate::target::{Seen, Target, honest, todo};

/// Runs the program, while the target goes on to answer.
async fn output(target: &Target, flags: &[&str]) -> Output {
    let url = target.url();
    let mut program = program(&["--host", &url, "--users", "2", "--hatch-rate", "1000", "--requests", "200"]);
    program.args(flags);
    tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap()
}

fn missed(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Ids are 1 and 2: half the answers are errors, the others hits.
fn half(seen: &Seen) -> HttpResponse {
    if seen.id() == "1" {
        return HttpResponse::InternalServerError().finish();
    }
    let mut answer = todo(seen.id());
    answer.headers_mut().insert("cache-status".parse().unwrap(), "todo-api; fwd=miss".parse().unwrap());
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_within_its_thresholds_exits_with_0_and_says_nothing() {
    let target = Target::start(|seen| {
        let mut answer = honest(seen);
        answer.headers_mut().insert("cache-status".parse().unwrap(), "todo-api; hit; ttl=9".parse().unwrap());
        answer
    });
    let output = output(&target, &["--max-error-ratio", "0", "--max-p99", "20s", "--min-hit-ratio", "1"]).await;
    assert_eq!((output.status.code(), missed(&output)), (Some(0), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missed_threshold_has_a_line_and_the_exit_code_is_3() {
    let target = Target::start_slow(Duration::from_millis(3), half);
    let flags =
        ["--ids", "1..2", "--max-error-ratio", "0.01", "--max-p99", "2ms", "--min-hit-ratio", "0.9", "--seed", "1"];
    let output = output(&target, &flags).await;
    let missed = missed(&output);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(missed.len(), 3, "{missed:?}");
    assert!(missed[0].starts_with("threshold missed: error ratio 0."), "{missed:?}");
    assert!(missed[1].starts_with("threshold missed: p99 "), "{missed:?}");
    assert_eq!(missed[2], "threshold missed: hit ratio 0.0000 is below 0.9");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_end_with_3_unless_a_share_of_them_is_allowed() {
    let target = Target::start(half);
    let all = output(&target, &["--ids", "1..2"]).await;
    let missed_all = missed(&all);
    assert_eq!(all.status.code(), Some(3));
    assert!(
        missed_all.len() == 1 && missed_all[0].contains("of 200 requests failed (--max-error-ratio"),
        "{missed_all:?}"
    );
    let allowed = output(&target, &["--ids", "1..2", "--max-error-ratio", "0.9"]).await;
    assert_eq!((allowed.status.code(), missed(&allowed)), (Some(0), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_p99_is_missed_if_nothing_succeeded_however_fast_it_failed() {
    let target = Target::start(|_| HttpResponse::InternalServerError().finish());
    let output = output(&target, &["--max-error-ratio", "1", "--max-p99", "1h"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert!(missed(&output)[0].contains("p99 is unknown (no request succeeded)"), "{:?}", missed(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_ratio_that_nobody_told_is_missed() {
    let target = Target::start(honest);
    let output = output(&target, &["--min-hit-ratio", "0.1"]).await;
    let missed = missed(&output);
    assert_eq!(output.status.code(), Some(3));
    assert!(missed.len() == 1 && missed[0].contains("hit ratio is unknown"), "{missed:?}");
}

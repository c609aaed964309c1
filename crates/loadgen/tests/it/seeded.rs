//! Only what is there is asked for, or it is said at once what is wrong.

use actix_web::HttpResponse;
use loadgen::LoadgenError;

use crate::support::{errors, finish, options, program, run};
use crate::target::{Seen, Target, honest, not_found, todo};

/// A store of 5,000 todos.
fn five_thousand(seen: &Seen) -> HttpResponse {
    match seen.id().parse::<u64>() {
        Ok(1..=5_000) => todo(seen.id()),
        _ => not_found("Item not found"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ids_a_run_asks_for_as_many_as_there_are() {
    let target = Target::start(five_thousand);
    let summary = run(&target.url(), &["--requests", "500"]).await;
    assert_eq!((summary.failures, summary.parameters.ids.as_str()), (0, "1..5000"));
    let target = Target::start(honest);
    let summary = run(&target.url(), &["--requests", "50"]).await;
    assert_eq!(summary.parameters.ids, "1..199999");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_store_is_said_at_once_in_one_line() {
    let target = Target::start(|_| not_found("Item not found"));
    let error = loadgen::run(&options(&target.url(), &["--requests", "500"])).await.unwrap_err();
    assert!(matches!(error, LoadgenError::NoTodos(_)), "{error}");
    assert!(error.to_string().contains("seeder generate") && !error.to_string().contains('\n'), "{error}");
    assert_eq!(target.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_not_there_are_warned_of_before_the_run() {
    let target = Target::start(five_thousand);
    let url = target.url();
    let output = finish(program(&["--host", &url, "--users", "1", "--requests", "20", "--ids", "4990..5010"])).await;
    assert!(errors(&output).contains("has no todo 5010, the last of --ids 4990..5010"), "{}", errors(&output));
    assert_eq!(target.count(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_nothing_that_exists_needs_no_todos() {
    let target = Target::start(|seen| if seen.method == "POST" { honest(seen) } else { not_found("Item not found") });
    for flags in [["--missing", "1"], ["--write", "1"]] {
        let summary = run(&target.url(), &[&["--requests", "20"], flags.as_slice()].concat()).await;
        assert_eq!(summary.failures, 0, "{:?}", summary.errors);
    }
}

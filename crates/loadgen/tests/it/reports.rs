//! The three reports of one run tell the same.

use actix_web::HttpResponse;
use loadgen::Summary;
use loadgen::report::{page, terminal};
use serde_json::Value;

use crate::support::{options, program, run};
use crate::target::{Seen, Target, honest};

fn sometimes(seen: &Seen) -> HttpResponse {
    let mut answer = match seen.id() {
        "1" => return HttpResponse::ServiceUnavailable().finish(),
        _ => honest(seen),
    };
    let status = if seen.id() == "2" { "todo-api; fwd=miss; stored" } else { "todo-api; hit; ttl=5" };
    answer.headers_mut().insert("cache-status".parse().unwrap(), status.parse().unwrap());
    answer
}

async fn summary(target: &Target) -> Summary {
    run(&target.url(), &["--requests", "1234", "--ids", "1..20", "--missing", "0.1", "--write", "0.1"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_writes_json_whose_sums_agree_with_what_the_server_counted() {
    let target = Target::start(sometimes);
    let folder = tempfile::tempdir().unwrap();
    let (json, html) = (folder.path().join("r.json"), folder.path().join("r.html"));
    let url = target.url();
    let mut program = program(&["--host", &url, "--requests", "1234", "--ids", "1..20", "--write", "0.1"]);
    program.arg("--json").arg(&json).arg("--report").arg(&html);
    let output = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
    // Failures that nobody allowed.
    assert_eq!(output.status.code(), Some(3));

    let seen = target.seen();
    let summary: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let count = |list: &str, name: &str| -> u64 {
        let entries = summary[list].as_array().unwrap();
        entries.iter().filter(|entry| entry["name"] == name).map(|entry| entry["count"].as_u64().unwrap()).sum()
    };
    let sum = |list: &str, figure: &str| -> u64 {
        summary[list].as_array().unwrap().iter().map(|entry| entry[figure].as_u64().unwrap()).sum()
    };
    let posts = seen.iter().filter(|seen| seen.method == "POST").count() as u64;
    let failed = seen.iter().filter(|seen| seen.id() == "1").count() as u64;
    assert_eq!(summary["requests"], 1234);
    assert_eq!(summary["failures"], failed);
    assert_eq!([count("statuses", "503"), count("statuses", "201")], [failed, posts]);
    assert_eq!(count("errors", "status 503 Service Unavailable"), failed);
    for (list, figure) in [("statuses", "count"), ("timeline", "requests")] {
        assert_eq!(sum(list, figure), 1234, "{list}");
    }
    for (figure, whole) in [("successes", 1234 - failed), ("failures", failed)] {
        assert_eq!(summary[figure], whole, "{figure}");
        assert_eq!([sum("timeline", figure), sum("by_request", figure)], [whole, whole], "{figure}");
    }
    assert_eq!([sum("distribution", "count"), sum("distribution", "failures")], [1234 - failed, failed]);
    assert_eq!(sum("by_request", "requests"), 1234);
    assert_eq!(sum("outcomes", "count"), 1234 - posts - failed);
    assert!(std::fs::read_to_string(html).unwrap().ends_with("</html>\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_rise_and_seconds_have_them_too() {
    let target = Target::start(sometimes);
    let summary = summary(&target).await;
    let seconds = summary.timeline.iter().flat_map(|second| [second.latency, second.failure_latency]);
    for at in seconds.chain([summary.latency, summary.failure_latency]).flatten() {
        let figures = [1, at.p50_us, at.p90_us, at.p99_us, at.p999_us, at.max_us];
        assert!(figures.is_sorted(), "{figures:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_needs_nothing_else_and_holds_the_figures() {
    let target = Target::start(sometimes);
    let summary = summary(&target).await;
    let page = page::html(&summary);
    // Its own host is text, and an empty icon keeps browsers from asking for one; nothing else may be an address, and nothing may
    // be fetched.
    let without_host = page.replace(&target.url(), "").replace("<link rel='icon' href='data:,'>", "");
    for address in ["http:", "https:", "src=", "href=", "url(", "@import", "fetch("] {
        assert!(!without_host.contains(address), "{address}");
    }
    for figure in [
        "1,234",
        "GET /todos/{id}",
        "POST /todos/",
        "status 503",
        "503 Service Unavailable",
        "p99.9",
        "Users",
        "GET /todos/{id}, failed",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(figure), "{figure}");
    }
    for outcome in &summary.outcomes {
        assert!(page.contains(&format!("bg {}'", outcome.name)), "{}", outcome.name);
    }
    assert_eq!(page.matches("<svg").count(), 5);
    assert_numbers(&page);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_escapes_what_a_server_says() {
    let target = Target::start(honest);
    let mut summary = run(&target.url(), &["--requests", "5"]).await;
    summary.errors.push(loadgen::figures::Count { name: "<script>'x'</script>".to_owned(), count: 1 });
    let page = page::html(&summary);
    assert!(page.contains("&lt;script&gt;&#39;x&#39;&lt;/script&gt;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_report_is_aligned_and_complete() {
    let target = Target::start(sometimes);
    let summary = summary(&target).await;
    let text = terminal::text(&summary);
    for figure in
        ["1,234", "hit ratio", "p99.9", "status 503", "503 Service Unavailable", "answered from", "10.00 % creates"]
    {
        assert!(text.contains(figure), "{figure} in {text}");
    }
    let table: Vec<_> = text
        .lines()
        .filter(|line| ["  latency", "  GET ", "  POST "].iter().any(|name| line.starts_with(name)))
        .collect();
    // Both kinds, and their failures.
    assert_eq!(
        table.len(),
        1 + summary.by_request.iter().map(|of| 1 + usize::from(of.failures > 0)).sum::<usize>(),
        "{text}"
    );
    assert!(table.iter().all(|line| line.chars().count() == table[0].chars().count()), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_report_holds_the_password_of_the_host() {
    let target = Target::start(honest);
    let host = target.url().replace("http://", "http://user:secret@");
    let summary = loadgen::run(&options(&host, &["--requests", "3"])).await.unwrap();
    assert_eq!(summary.failures, 0);
    let json = serde_json::to_string(&summary).unwrap();
    for report in [json, page::html(&summary), terminal::text(&summary)] {
        assert!(!report.contains("secret") && report.contains("http://127.0.0.1:"), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_a_request_can_be_reported_too() {
    let target = Target::start(honest);
    let mut summary = run(&target.url(), &["--requests", "1"]).await;
    summary.requests = 0;
    for list in [&mut summary.statuses, &mut summary.outcomes, &mut summary.errors] {
        list.clear();
    }
    summary.timeline.clear();
    summary.distribution.clear();
    summary.by_request.clear();
    let page = page::html(&summary);
    assert!(page.ends_with("</html>\n"));
    assert_numbers(&page);
    assert!(terminal::text(&summary).contains("requests"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latency_chart_shows_one_slow_answer_among_thousands() {
    let target = Target::start(honest);
    let mut summary = run(&target.url(), &["--requests", "5"]).await;
    let quick = loadgen::figures::Latency { p50_us: 900, p90_us: 950, p99_us: 990, p999_us: 999, ..Default::default() };
    let second = |second, max_us| loadgen::figures::Second {
        second,
        users: 4,
        requests: 5_000,
        successes: 5_000,
        latency: Some(loadgen::figures::Latency { max_us, ..quick }),
        ..Default::default()
    };
    summary.timeline = (0..40).map(|n| second(n, if n == 20 { 2_000_000 } else { 1_000 })).collect();
    let page = page::html(&summary);
    assert!(page.contains("\nmax 2.00 s\np99.9 999 µs"), "the tip of its second");
    // The axis reaches up to it, and marks of time are round.
    for mark in [">2 s<", ">0 s<", ">5 s<", ">35 s<"] {
        assert!(page.contains(mark), "{mark}");
    }
    for said in [&summary.started_at[..10], &summary.machine.name, "loadgen 0.", "users 4"] {
        assert!(page.contains(said), "{said}");
    }
}

/// No figure and no coordinate was divided by nothing.
fn assert_numbers(page: &str) {
    for word in ["NaN", "'inf", "-inf", ">inf", " inf"] {
        assert!(!page.contains(word), "{word}");
    }
}

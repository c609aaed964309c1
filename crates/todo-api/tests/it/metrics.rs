//! What `/metrics` says is what happened, and what `docs/metrics.md` describes.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Method;
use serde_json::json;

use crate::support::{Service, embedded};

/// The samples of a scrape: value by name and labels, as they are written.
async fn scrape(service: &Service) -> BTreeMap<String, f64> {
    let text = service.get("/metrics").await.text().await.unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a sample has a value");
            (name.to_owned(), value.parse().expect("a value is a number"))
        })
        .collect()
}

fn of_requests(what: &str, route: &str, method: &str, status: u16, outcome: &str) -> String {
    format!(
        "http_request_duration_seconds_{what}{{route=\"{route}\",method=\"{method}\",status=\"{status}\",outcome=\"{outcome}\"}}"
    )
}

#[tokio::test]
async fn requests_are_counted_by_route_method_status_and_outcome() {
    let service = embedded().await;
    let todo = json!({"id": "seen", "name": "seen", "description": ""});
    assert_eq!(service.request(Method::POST, "/todos/").json(&todo).send().await.unwrap().status(), 201);
    for _ in 0..3 {
        assert_eq!(service.get("/todos/seen").await.status(), 200);
    }
    for _ in 0..2 {
        assert_eq!(service.get("/todos/unseen").await.status(), 404);
    }
    let no_cache = service.request(Method::GET, "/todos/seen").header("cache-control", "no-cache");
    assert_eq!(no_cache.send().await.unwrap().status(), 200);

    let now = scrape(&service).await;
    let cases = [
        (of_requests("count", "/todos/", "POST", 201, ""), 1.0),
        (of_requests("count", "/todos/{id}", "GET", 200, "hit"), 3.0),
        (of_requests("count", "/todos/{id}", "GET", 200, "miss"), 1.0),
        (of_requests("count", "/todos/{id}", "GET", 404, "miss"), 1.0),
        (of_requests("count", "/todos/{id}", "GET", 404, "absent"), 1.0),
        ("cache_reads_total{outcome=\"hit\"}".to_owned(), 3.0),
        ("cache_reads_total{outcome=\"absent\"}".to_owned(), 1.0),
        ("cache_loads_total".to_owned(), 2.0),
        ("cache_writes_total{result=\"committed\"}".to_owned(), 1.0),
        // The scrape itself.
        ("http_requests_in_flight".to_owned(), 1.0),
    ];
    for (sample, expected) in cases {
        assert_eq!(now.get(&sample), Some(&expected), "{sample}");
    }
    assert!(now["process_resident_memory_bytes"] > 1e6);
    assert!(now["process_start_time_seconds"] > 1.7e9);
}

#[tokio::test]
async fn the_last_bucket_of_a_histogram_holds_all_and_none_holds_less_than_the_one_before() {
    let service = embedded().await;
    service.get("/todos/x").await;
    let now = scrape(&service).await;
    let prefix = "http_request_duration_seconds_bucket{le=\"";
    let buckets: Vec<(f64, f64)> = now
        .iter()
        .filter(|(name, _)| name.contains("route=\"/todos/{id}\""))
        .filter_map(|(name, count)| {
            let bound = name.strip_prefix(prefix)?.split_once('"')?.0;
            Some((if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() }, *count))
        })
        .collect();
    assert_eq!(buckets.len(), 13);
    let mut sorted = buckets.clone();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(sorted.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{sorted:?}");
    assert_eq!(sorted[12], (f64::INFINITY, 1.0));
    assert!((sorted[0].0 - 0.0001).abs() < 1e-12);
}

#[tokio::test]
async fn both_formats_are_served_as_asked_for() {
    let service = embedded().await;
    let cases = [
        (
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
            "application/openmetrics-text",
            true,
        ),
        ("text/plain", "text/plain; version=0.0.4", false),
        ("*/*", "text/plain; version=0.0.4", false),
    ];
    for (accept, content_type, ends) in cases {
        let answer = service.request(Method::GET, "/metrics").header("accept", accept).send().await.unwrap();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(content_type), "{accept}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.text().await.unwrap().ends_with("# EOF\n"), ends, "{accept}");
    }
}

#[tokio::test]
async fn metrics_may_have_an_address_of_their_own() {
    let service = Service::start(&["--metrics-listen", "127.0.0.1:0"]).await;
    assert_eq!(service.get("/metrics").await.status(), 404);
    let scrapes = service.scrapes.as_deref().expect("it has an address for scrapes");
    let answer = reqwest::get(format!("{scrapes}metrics")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("route=\"(none)\",method=\"GET\",status=\"404\""));
    assert_eq!(reqwest::get(format!("{scrapes}todos/x")).await.unwrap().status(), 404);
}

/// Each metric of a scrape as a row of the table.
fn rows(text: &str) -> Vec<String> {
    let kinds: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    text.lines()
        .filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '))
        .map(|(name, help)| {
            let sample = text
                .lines()
                .find(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name}_count{{")));
            let labels: Vec<&str> = sample
                .and_then(|line| line.split_once('{')?.1.rsplit_once('}'))
                .map(|(labels, _)| {
                    labels.split(',').filter_map(|label| label.split_once("=\"")).map(|(name, _)| name).collect()
                })
                .unwrap_or_default();
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{name}` | {} | {} | {help} |", kinds[name], labels.join(", "))
        })
        .collect()
}

#[tokio::test]
async fn every_metric_is_described_in_the_docs_and_none_that_is_not_there() {
    let service = crate::support::servers().await;
    service.todos.wait_until_live(std::time::Duration::from_secs(60)).await;
    service.get("/todos/seen").await;
    let text = service.get("/metrics").await.text().await.unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let docs = std::fs::read_to_string(path).unwrap();
    let (mut expected, mut described) =
        (rows(&text), docs.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect::<Vec<_>>());
    expected.sort();
    described.sort();
    assert_eq!(described, expected, "the table should be:\n{}", rows(&text).join("\n"));
}

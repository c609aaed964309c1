//! Services that do not answer, or stop in the middle: figures, no errors of the program.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use loadgen::LoadgenError;

use crate::support::{by_name, options, run, until};
use crate::target::{Target, honest};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_takes_too_long_is_counted_as_timed_out() {
    let target = Target::start_slow(Duration::from_secs(30), honest);
    let summary =
        run(&target.url(), &["--requests", "6", "--users", "3", "--hatch-rate", "1000", "--timeout", "100ms"]).await;
    assert_eq!(by_name(&summary.errors), [("timed out", 6)].into());
    assert!(summary.statuses.is_empty() && summary.outcomes.is_empty());
    assert!(summary.latency.p50_us >= 100_000, "{:?}", summary.latency);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_goes_away_makes_few_messages_and_all_requests_are_counted() {
    let target = Target::start(honest);
    let url = target.url();
    let (summary, ()) = tokio::join!(run(&url, &["--requests", "3000", "--hatch-rate", "1000"]), async {
        until("some requests came", || target.count() > 50).await;
        target.stop().await;
    });
    assert_eq!(summary.requests, 3000);
    assert_eq!(summary.errors.iter().map(|error| error.count).sum::<u64>(), summary.failures);
    assert!(by_name(&summary.errors)["no connection: connection refused"] > 1000, "{:?}", summary.errors);
    assert!(summary.errors.len() <= 4, "{:?}", summary.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_counted() {
    let url = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"id\"");
    let summary = run(&url, &["--requests", "20"]).await;
    assert_eq!((summary.requests, summary.failures, summary.statuses.len()), (20, 20, 0));
    let message = "connection lost: end of file before message length reached";
    assert_eq!(by_name(&summary.errors), [(message, 20)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_not_found_to_be_a_service() {
    let error = loadgen::run(&options(&raw(b"-ERR unknown command\r\n"), &[])).await.unwrap_err();
    assert!(matches!(error, LoadgenError::NoServer { .. }), "{error}");
}

/// Answers each connection's first request so and closes it; but the probe for a whole answer, if this is HTTP.
fn raw(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| raw_answer(stream, answer)));
    format!("http://127.0.0.1:{port}")
}

fn raw_answer(mut stream: TcpStream, answer: &[u8]) {
    let mut request = [0; 4096];
    let read = stream.read(&mut request).unwrap_or(0);
    let is_probe = request[..read].starts_with(b"GET /livez") && answer.starts_with(b"HTTP");
    let whole = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    // The other side may be gone already.
    drop(stream.write_all(if is_probe { whole } else { answer }));
}

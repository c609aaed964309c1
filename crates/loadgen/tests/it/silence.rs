//! Services that do not answer, or stop in the middle: figures, no errors of the program.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    assert_eq!(summary.latency, None);
    assert!(summary.failure_latency.unwrap().p50_us >= 100_000, "{:?}", summary.failure_latency);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_goes_away_makes_few_messages_and_all_requests_are_counted() {
    // So slow that a third of the requests cannot be over before it goes, however late that is noticed.
    let target = Target::start_slow(Duration::from_millis(20), honest);
    let url = target.url();
    let (summary, ()) = tokio::join!(run(&url, &["--requests", "3000", "--hatch-rate", "1000"]), async {
        until("some requests came", async || target.count() > 50).await;
        target.stop().await;
    });
    assert_eq!(summary.requests, 3000);
    assert_eq!(summary.errors.iter().map(|error| error.count).sum::<u64>(), summary.failures);
    assert!(by_name(&summary.errors)["no connection: connection refused"] > 1000, "{:?}", summary.errors);
    assert!(summary.errors.len() <= 4, "{:?}", summary.errors);
    // What was refused is no throughput, and its few microseconds are not the service's.
    assert_eq!(summary.successes, 3000 - summary.failures);
    assert!((summary.throughput * summary.seconds - summary.successes as f64).abs() < 1.0, "{}", summary.throughput);
    let last = summary.timeline.iter().rfind(|second| second.requests > 0).unwrap();
    assert_eq!(last.latency.is_some(), last.successes > 0);
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
    let is_probe = request[..read].windows(7).any(|window| window == b"(probe)") && answer.starts_with(b"HTTP");
    let whole = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    // The other side may be gone already.
    drop(stream.write_all(if is_probe { whole } else { answer }));
}

/// Answers `answered` requests of each connection, closes it at the next one without a word, and counts connections.
fn closing(answered: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let mut left = answered;
                while let Ok(read @ 1..) = stream.read(&mut request) {
                    let text = String::from_utf8_lossy(&request[..read]).into_owned();
                    let is_probe = text.contains("(probe)");
                    if left == 0 && !is_probe {
                        return;
                    }
                    if left == answered && !is_probe {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                    left = left.saturating_sub(1);
                    let id = text.split(['/', ' ']).nth(3).unwrap_or_default();
                    let body = format!(r#"{{"id":"{id}","name":"Ann","description":null}}"#);
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    drop(stream.write_all((head + &body).as_bytes()));
                }
            });
        }
    });
    (format!("http://127.0.0.1:{port}"), connections)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_on_a_connection_that_was_closed_meanwhile_is_sent_again_on_a_new_one() {
    let (url, connections) = closing(10);
    let summary = run(&url, &["--requests", "200", "--users", "1"]).await;
    assert_eq!((summary.failures, summary.successes), (0, 200), "{:?}", summary.errors);
    assert_eq!((summary.retries, connections.load(Ordering::Relaxed)), (19, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_never_answered_is_not_tried_again() {
    let (url, _) = closing(0);
    let summary = run(&url, &["--requests", "20"]).await;
    assert_eq!((summary.failures, summary.retries), (20, 0), "{:?}", summary.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_may_have_been_done_is_not_sent_again() {
    let (url, _) = closing(1);
    let summary = run(&url, &["--requests", "20", "--users", "1", "--write", "1"]).await;
    assert_eq!(summary.retries, 0);
    assert!(by_name(&summary.errors).keys().any(|message| message.contains("connection")), "{:?}", summary.errors);
}

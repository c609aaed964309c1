//! Collectors as they are: gone, busy, hanging, with TLS. None of them makes a request late or wrong.

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use test_servers::Certificates;
use tokio_rustls::TlsAcceptor;

use crate::collector::{Collector, Manner};
use crate::program::{Program, ask};
use crate::support::{Service, metric, until};
use crate::traces::{embedded, trace};

/// Takes connections and ends them; how many there were so far.
fn hangs_up() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, count) = (format!("http://{}", listener.local_addr().unwrap()), Arc::<AtomicUsize>::default());
    let counts = Arc::clone(&count);
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counts.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, count)
}

fn dropped(reason: &str) -> String {
    format!("trace_spans_dropped_total{{reason=\"{reason}\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_takes_nothing_costs_spans_and_nothing_else() {
    let (url, tries) = hangs_up();
    let mut service = Service::start(&["--otlp-endpoint", &url, "--shutdown-timeout", "1h"]).await;
    // More than the queue has room for: two to six spans each.
    for _ in 0..60 {
        let asked = (0..100).map(|number| {
            let path = format!("/todos?ids={number},x,y");
            let service = &service;
            async move { service.get(&path).await.status() }
        });
        assert!(futures::future::join_all(asked).await.into_iter().all(|status| status == 200));
    }
    until("dropped spans are counted", || async { metric(&service, &dropped("queue_full")).await > 0.0 }).await;
    let before = tries.load(Ordering::SeqCst);
    service.stop();
    // The queue holds sixteen batches, one is under way, and a pause may have ended just before.
    let more = tries.load(Ordering::SeqCst) - before;
    assert!((1..=18).contains(&more), "at the end each batch is tried once: {more}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_holds_up_no_request_and_the_end_for_no_longer_than_it_may() {
    let collector = Collector::start(Manner::Hangs).await;
    let url = collector.url();
    let mut service = Service::start(&["--otlp-endpoint", &url, "--shutdown-timeout", "2s"]).await;
    assert_eq!(service.get("/todos/1").await.status(), 404);
    until("it has a batch", || async { !collector.heads().is_empty() }).await;
    assert_eq!(service.get("/todos/2").await.status(), 404);
    // Ends by itself: the collector would hang for ever.
    service.stop();
    assert!(collector.spans().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_busy_collector_refuses_is_sent_again_and_what_no_collector_takes_is_not() {
    let busy =
        Collector::start(Manner::FirstSays("HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n")).await;
    let service = embedded(&busy, "1").await;
    service.get("/todos/1").await;
    until("it has them", || async { busy.spans().iter().any(|span| span.kind == 2) }).await;
    assert!(busy.heads().len() >= 2);

    let strict = Collector::start(Manner::FirstSays("HTTP/1.1 400 Bad\r\ncontent-length: 2\r\n\r\nno")).await;
    let service = embedded(&strict, "1").await;
    service.get("/todos/1").await;
    until("they are given up", || async { metric(&service, &dropped("not_taken")).await > 0.0 }).await;
    drop(service);
    assert!(strict.spans().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_a_collector_leaves_out_of_a_batch_are_counted_as_not_taken() {
    // An ExportTraceServiceResponse whose partial_success has rejected_spans 1.
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 4\r\n\r\n\x0a\x02\x08\x01";
    let partial = Collector::start(Manner::FirstSays(answer)).await;
    let service = embedded(&partial, "1").await;
    service.get("/todos/1").await;
    until("one is counted", || async { metric(&service, &dropped("not_taken")).await == 1.0 }).await;
    assert_eq!(partial.heads().len(), 1, "what was taken in part is not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_with_tls_is_believed_only_by_its_certificate() {
    let certificates = Certificates::make();
    let folder = certificates.authority().parent().unwrap().to_owned();
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let collector = Collector::start_with(Manner::Takes, Some(TlsAcceptor::from(Arc::new(config)))).await;
    let url = format!("https://localhost:{}", collector.address.port());
    let start = |authority: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_todo-api"));
        if authority {
            command.env("OTEL_EXPORTER_OTLP_CERTIFICATE", certificates.authority());
        }
        Program::start_by(command, &["--otlp-endpoint", &url])
    };
    let (id, parent) = trace(true);
    let request = format!("GET /todos/1 HTTP/1.1\r\nhost: test\r\ntraceparent: {parent}\r\n\r\n");
    let strange = start(false);
    assert_eq!(ask(&mut strange.connect(), &request).status(), 404);
    strange.wait_for_log("does not do TLS as it should");
    drop(strange);
    assert!(collector.spans().is_empty());
    let known = start(true);
    assert_eq!(ask(&mut known.connect(), &request).status(), 404);
    assert_eq!(collector.trace(&id).await.names()[0], "GET /todos/{id}");
}

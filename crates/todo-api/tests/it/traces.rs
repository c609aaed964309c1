//! What a collector is sent, by real requests.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use test_servers::{fresh_name, shared_mongo, shared_redis};

use crate::collector::{Collector, Manner, attributes, hex};
use crate::program::{Program, ask};
use crate::support::Service;

const SPAN_OF_SENDER: &str = "00f067aa0ba902b7";

/// A trace of a test's own, and the `traceparent` that says whether it is sampled.
pub(crate) fn trace(sampled: bool) -> (String, String) {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let id = format!("{:032x}", 0x4bf9_2f35_77b3_4da6_0000_u128 + u128::from(COUNT.fetch_add(1, Ordering::Relaxed)));
    let parent = format!("00-{id}-{SPAN_OF_SENDER}-{:02x}", u8::from(sampled));
    (id, parent)
}

/// Asks as part of a trace that is sampled; its id.
async fn ask_traced(service: &Service, method: Method, path: &str, body: Option<&str>) -> (String, u16) {
    let (id, parent) = trace(true);
    let mut request = service.request(method, path).header("traceparent", parent);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_owned());
    }
    (id, request.send().await.unwrap().status().as_u16())
}

async fn over_servers(collector: &Collector) -> Service {
    let (store, cache, name) = (shared_mongo().url(), shared_redis().url(), fresh_name("traced"));
    let places = ["--store", &store, "--cache", &cache, "--database", &name, "--cache-prefix", &name];
    Service::start(&[&places[..], &["--otlp-endpoint", &collector.url(), "--trace-ratio", "0"]].concat()).await
}

pub(crate) async fn embedded(collector: &Collector, ratio: &str) -> Service {
    Service::start(&["--otlp-endpoint", &collector.url(), "--trace-ratio", ratio]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_a_hit_and_an_absence_are_traces_of_their_steps() {
    let collector = Collector::start(Manner::Takes).await;
    let service = over_servers(&collector).await;
    let (id, status) = ask_traced(&service, Method::GET, "/todos/none", None).await;
    assert_eq!(status, 404);
    let absent = collector.trace(&id).await;
    assert_eq!(
        absent.names(),
        ["GET /todos/{id}", "cache read", "lease", "store load", "store query", "cache put"],
        "{absent:?}"
    );
    for (step, parent) in
        [("cache read", "GET /todos/{id}"), ("store load", "GET /todos/{id}"), ("store query", "store load")]
    {
        assert_eq!(absent.parent(step), Some(parent));
    }
    let request = absent.span("GET /todos/{id}");
    let said = attributes(request);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/todos/{id}"),
        ("http.response.status_code", "404"),
        ("url.path", "/todos/none"),
        ("url.scheme", "http"),
        ("server.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("cache.outcome", "miss"),
    ] {
        assert_eq!(said.get(key).map(String::as_str), Some(value), "{said:?}");
    }
    assert_eq!(said["server.port"], service.address.port().to_string());
    assert!(said["http.response.header.x-request-id"].len() > 2);
    assert_eq!((hex(&request.parent_span_id).as_str(), request.kind), (SPAN_OF_SENDER, 2));
    // Sampled, and of a parent in another process.
    assert_eq!(request.flags, 0x301);
    assert!(request.status.is_none(), "what is not there is no error of the server");
    let query = absent.span("store query");
    assert_eq!((attributes(query)["db.system.name"].as_str(), query.kind, query.flags), ("mongodb", 3, 0x101));
    assert_eq!(attributes(query)["db.collection.name"], "todos");
    let read = attributes(absent.span("cache read"));
    assert_eq!((read["db.system.name"].as_str(), read["cache.result"].as_str()), ("redis", "none"));
    assert_eq!(attributes(absent.span("cache put"))["cache.result"], "stored");
    for span in &absent.0 {
        assert!(
            span.end_time_unix_nano >= span.start_time_unix_nano
                && span.start_time_unix_nano >= request.start_time_unix_nano
        );
    }

    service.create("seen").await;
    let (id, _) = ask_traced(&service, Method::GET, "/todos/seen?x=1", None).await;
    let hit = collector.trace(&id).await;
    assert_eq!(hit.names(), ["GET /todos/{id}", "cache read"]);
    let said = attributes(hit.span("GET /todos/{id}"));
    assert_eq!((said["cache.outcome"].as_str(), said["url.query"].as_str()), ("hit", "x=1"));
    assert_eq!(attributes(hit.span("cache read"))["cache.result"], "hit");

    let (id, _) = ask_traced(&service, Method::GET, "/todos?ids=a,b,seen", None).await;
    let many = collector.trace(&id).await;
    assert_eq!(attributes(many.span("cache read"))["db.operation.batch.size"], "3");
    assert_eq!(attributes(many.span("store query"))["db.operation.batch.size"], "2");
    assert_eq!(many.parent("store query"), Some("store load"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_a_trace_of_lease_commit_and_publish() {
    let collector = Collector::start(Manner::Takes).await;
    let service = over_servers(&collector).await;
    let (id, status) = ask_traced(&service, Method::POST, "/todos/", Some(r#"{"id":"w","name":"A"}"#)).await;
    assert_eq!(status, 201);
    let created = collector.trace(&id).await;
    assert_eq!(created.names(), ["POST /todos/", "write", "lease", "commit", "publish"]);
    assert_eq!(created.parent("write"), Some("POST /todos/"));
    for step in ["lease", "commit", "publish"] {
        assert_eq!(created.parent(step), Some("write"));
    }
    assert_eq!(attributes(created.span("commit"))["cache.result"], "committed");
    assert_eq!(attributes(created.span("publish"))["cache.result"], "stored");

    let (id, status) = ask_traced(&service, Method::POST, "/todos/", Some(r#"{"id":"w","name":"A"}"#)).await;
    assert_eq!(status, 409);
    let refused = collector.trace(&id).await;
    assert_eq!(attributes(refused.span("commit"))["cache.result"], "nothing");
    assert!(refused.0.iter().all(|span| span.status.is_none()), "that an id is taken is no failure of the service");
    for (method, path) in [(Method::PUT, "/todos/w"), (Method::PATCH, "/todos/w"), (Method::DELETE, "/todos/w")] {
        // Another name each time: what changes nothing is no write.
        let name = format!(r#"{{"name":"{method}"}}"#);
        let body = (method != Method::DELETE).then_some(name.as_str());
        let (id, status) = ask_traced(&service, method.clone(), path, body).await;
        assert!(status < 300);
        let name = format!("{method} /todos/{{id}}");
        assert_eq!(collector.trace(&id).await.parent("write"), Some(name.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ratio_decides_only_where_the_sender_does_not() {
    let collector = Collector::start(Manner::Takes).await;
    let (none, all) = (embedded(&collector, "0").await, embedded(&collector, "1").await);
    let (unsampled, parent) = trace(false);
    all.request(Method::GET, "/todos/unsampled").header("traceparent", parent).send().await.unwrap();
    none.get("/todos/left-out").await;
    // Probes are none of it.
    all.get("/readyz").await;
    let (sampled, parent) = trace(true);
    let request = none.request(Method::GET, "/todos/sampled").header("traceparent", parent);
    request.header("tracestate", "vendor=1,other=2").send().await.unwrap();
    assert_eq!(collector.trace(&sampled).await.span("GET /todos/{id}").trace_state, "vendor=1,other=2");
    all.get("/todos/begins-here").await;
    // What is no traceparent, and two of them, are none.
    all.request(Method::GET, "/todos/nonsense").header("traceparent", "00-0-0-01").send().await.unwrap();
    drop((none, all));
    let spans = collector.spans();
    let mut requests: Vec<_> =
        spans.iter().filter(|span| span.kind == 2).map(|span| attributes(span)["url.path"].clone()).collect();
    requests.sort();
    assert_eq!(requests, ["/todos/begins-here", "/todos/nonsense", "/todos/sampled"]);
    assert!(spans.iter().all(|span| hex(&span.trace_id) != unsampled && span.span_id != [0; 8]));
    let begins =
        spans.iter().find(|span| span.kind == 2 && attributes(span)["url.path"] == "/todos/begins-here").unwrap();
    assert!(begins.parent_span_id.is_empty() && begins.trace_id != [0; 16]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_says_so_in_its_span() {
    let collector = Collector::start(Manner::Takes).await;
    let service = embedded(&collector, "1").await;
    let request = service.request(Method::GET, "/todos/none").header("cache-control", "only-if-cached");
    assert_eq!(request.send().await.unwrap().status(), 504);
    assert_eq!(service.get("/nowhere").await.status(), 404);
    drop(service);
    let spans = collector.spans();
    let failed = spans.iter().find(|span| span.name == "GET /todos/{id}").unwrap();
    assert_eq!((attributes(failed)["error.type"].as_str(), failed.status.as_ref().unwrap().code), ("504", 2));
    let nowhere = spans.iter().find(|span| span.name == "GET").expect("what has no route has no template in its name");
    assert!(!attributes(nowhere).contains_key("http.route"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_at_the_end_is_sent_before_it() {
    let collector = Collector::start(Manner::Takes).await;
    let mut service = embedded(&collector, "1").await;
    for number in 0..600 {
        service.get(&format!("/todos/{number}")).await;
    }
    service.stop();
    let requests = collector.spans().iter().filter(|span| span.kind == 2).count();
    assert_eq!(requests, 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standard_variables_do_without_the_flag() {
    let collector = Collector::start(Manner::Takes).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo-api"));
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b")
        .env("OTEL_SERVICE_NAME", "todos-of-ada")
        .env("OTEL_TRACES_SAMPLER", "always_off")
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=lost")
        // No proxy is asked for the way.
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("http_proxy", "http://127.0.0.1:9");
    let mut program = Program::start_by(command, &["--log", "debug"]);
    let (id, parent) = trace(true);
    let request = format!("GET /todos/1 HTTP/1.1\r\nhost: test\r\ntraceparent: {parent}\r\n\r\n");
    assert_eq!(ask(&mut program.connect(), &request).status(), 404);
    program.wait_for_log(&format!(r#""trace_id":"{id}""#));
    program.wait_for_log(r#""variables":"OTEL_TRACES_SAMPLER""#);
    program.signal("TERM");
    assert!(program.wait().success());
    let trace = collector.trace(&id).await;
    assert_eq!(attributes(trace.span("GET /todos/{id}"))["server.address"], "test");
    let (head, resource) = (&collector.heads()[0], &collector.resources()[0]);
    assert!(head.starts_with("post /v1/traces http/1.1\r\n") && head.contains("\r\napi-key: a b\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/x-protobuf\r\n"), "{head}");
    assert_eq!(
        (resource["service.name"].as_str(), resource["deployment.environment.name"].as_str()),
        ("todos-of-ada", "test")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_the_trace_of_a_request_also_where_nothing_is_sent() {
    let program = Program::start(&["--log", "debug"]);
    let (id, parent) = trace(false);
    let request = format!("GET /todos/1 HTTP/1.1\r\nhost: test\r\ntraceparent: {parent}\r\n\r\n");
    assert_eq!(ask(&mut program.connect(), &request).status(), 404);
    program.wait_for_log(&format!(r#""trace_id":"{id}""#));
}

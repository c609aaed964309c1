//! `--header`: what services see of it; and bodies that come compressed although nobody asked for that.

use std::io::Write;

use actix_web::HttpResponse;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{by_name, errors, finish, program, run};
use crate::target::{Seen, Target, honest, todo};

#[tokio::test(flavor = "multi_thread")]
async fn every_request_has_the_headers_and_the_report_their_names_only() {
    let target = Target::start(honest);
    let flags =
        ["--requests", "20", "--write", "0.5", "--header", "Host: todos.example", "--header", "X-Key: hush, hush"];
    let summary = run(&target.url(), &flags).await;
    assert_eq!(summary.failures, 0, "{:?}", summary.errors);
    assert!(target.seen().iter().all(|seen| seen.host == "todos.example" && seen.key == "hush, hush"));
    assert_eq!(summary.parameters.headers, ["host", "x-key"]);
    let report = loadgen::report::page::html(&summary) + &loadgen::report::terminal::text(&summary);
    assert!(report.contains("host, x-key") && report.contains("own CPU") && !report.contains("hush"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_cannot_be_sent_is_one_line_and_exit_code_2() {
    for (wrong, says) in [
        ("hush", "--header <NAME: VALUE>: must be 'Name: value'"),
        ("Transfer-Encoding: hush", "transfer-encoding is what each request needs it to be"),
    ] {
        let output = finish(program(&["--header", wrong])).await;
        let said = errors(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(says), "{said}");
    }
    let output = finish(program(&["--header", "X-Key: a", "--header", "x-key: b"])).await;
    let said = errors(&output);
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(said.contains("x-key is given twice"), "{said}");
}

fn packed(seen: &Seen) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    write!(packed, r#"{{"id":"{}","name":"Ann","description":null}}"#, seen.id()).unwrap();
    packed.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_compressed_is_called_so() {
    let says: fn(&Seen) -> HttpResponse =
        |seen| HttpResponse::Ok().insert_header(("content-encoding", "gzip")).body(packed(seen));
    let silent: fn(&Seen) -> HttpResponse = |seen| HttpResponse::Ok().body(packed(seen));
    let other: fn(&Seen) -> HttpResponse =
        |seen| HttpResponse::Ok().insert_header(("content-encoding", "br")).body(seen.id().to_owned());
    for (answer, how) in [
        (says, "(Content-Encoding: gzip)"),
        (silent, "(gzip, and it does not say so)"),
        (other, "(Content-Encoding: br)"),
    ] {
        let target = Target::start(answer);
        let summary = run(&target.url(), &["--requests", "10", "--ids", "1..9"]).await;
        let message = format!("the body is compressed {how}, which was not asked for");
        assert_eq!(by_name(&summary.errors), [(message.as_str(), 10)].into());
    }
    let plain = Target::start(|seen| {
        let mut answer = todo(seen.id());
        let identity = actix_web::http::header::HeaderValue::from_static("identity");
        answer.headers_mut().insert(actix_web::http::header::CONTENT_ENCODING, identity);
        answer
    });
    assert_eq!(run(&plain.url(), &["--requests", "10"]).await.failures, 0);
}

//! Answers that look right and are wrong: each is a failure, under a message of its own.

use actix_web::HttpResponse;
use serde_json::json;

use crate::support::{by_name, run};
use crate::target::{Seen, Target, honest, not_found, todo};

/// All 40 requests fail with this one message.
async fn assert_caught(flags: &[&str], answer: fn(&Seen) -> HttpResponse, message: &str) {
    let target = Target::start(answer);
    let flags: Vec<&str> = ["--requests", "40"].iter().chain(flags).copied().collect();
    let summary = run(&target.url(), &flags).await;
    assert_eq!(by_name(&summary.errors), [(message, 40)].into());
    assert_eq!((summary.requests, summary.failures, summary.error_ratio), (40, 40, 1.0));
    assert_eq!(summary.statuses.iter().map(|count| count.count).sum::<u64>(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_todo_with_another_id() {
    assert_caught(&[], |seen| todo(&format!("{}0", seen.id())), "the body has another id than was asked for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_todo_without_a_field() {
    for (body, message) in [
        ("id", "the body is no todo: missing field `id`"),
        ("name", "the body is no todo: missing field `name`"),
        ("description", "the body is no todo: missing field `description`"),
    ] {
        // A function pointer holds no values, so that the field comes from the path of the host.
        let target = Target::start(|seen| {
            let mut todo = json!({"id": seen.id(), "name": "Ann", "description": "Text"});
            let left_out = seen.path.split('/').nth(1).unwrap();
            todo.as_object_mut().unwrap().remove(left_out).unwrap();
            HttpResponse::Ok().json(todo)
        });
        let summary = run(&format!("{}/{body}", target.url()), &["--requests", "10"]).await;
        assert_eq!(by_name(&summary.errors), [(message, 10)].into());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_todo_with_a_field_too_many_whatever_its_name() {
    fn extra(seen: &Seen) -> HttpResponse {
        let mut todo = json!({"id": seen.id(), "name": "Ann", "description": "Text"});
        todo.as_object_mut().unwrap().insert(format!("field{}", seen.id()), json!(1));
        HttpResponse::Ok().json(todo)
    }
    assert_caught(&[], extra, "the body has a field that a todo does not have").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_a_wrong_type_whatever_their_value() {
    fn number_as_id(seen: &Seen) -> HttpResponse {
        let id: u64 = seen.id().parse().unwrap();
        HttpResponse::Ok().json(json!({"id": id, "name": "Ann", "description": null}))
    }
    assert_caught(&[], number_as_id, "the body has a field of a wrong type: integer").await;
    fn null_as_name(seen: &Seen) -> HttpResponse {
        HttpResponse::Ok().json(json!({"id": seen.id(), "name": null, "description": null}))
    }
    assert_caught(&[], null_as_name, "the body has a field of a wrong type: null").await;
    fn list_as_description(seen: &Seen) -> HttpResponse {
        HttpResponse::Ok().json(json!({"id": seen.id(), "name": "Ann", "description": ["a"]}))
    }
    assert_caught(&[], list_as_description, "the body has a field of a wrong type: sequence").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_no_object() {
    let message = "the body is no JSON object";
    assert_caught(&[], |seen| HttpResponse::Ok().json(json!([seen.id(), "Ann", "Text"])), message).await;
    assert_caught(&[], |seen| HttpResponse::Ok().json(json!(seen.id())), message).await;
    assert_caught(&["--missing", "1"], |_| HttpResponse::NotFound().json(json!(["Item not found"])), message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json() {
    let message = "the body is not JSON";
    assert_caught(&[], |seen| HttpResponse::Ok().body(format!("{{\"id\":\"{}\"", seen.id())), message).await;
    assert_caught(&[], |seen| HttpResponse::Ok().body(format!("<p>{}</p>", seen.id())), message).await;
    assert_caught(&[], |_| HttpResponse::Ok().finish(), message).await;
    assert_caught(&[], |_| HttpResponse::Ok().body(vec![0xff, 0xfe]), message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_asked_for() {
    fn zipped(seen: &Seen) -> HttpResponse {
        HttpResponse::Ok().insert_header(("content-encoding", "gzip")).body(vec![0x1f, 0x8b, seen.id().len() as u8])
    }
    let message = "the body is compressed (Content-Encoding: gzip), which was not asked for";
    assert_caught(&[], zipped, message).await;
    fn long(_: &Seen) -> HttpResponse {
        HttpResponse::Ok().body(vec![b' '; 2 << 20])
    }
    assert_caught(&[], long, "the body is longer than 1048576 bytes, and no todo is").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_todo_under_an_id_that_does_not_exist() {
    assert_caught(&["--missing", "1"], |seen| todo(seen.id()), "status 200 for an id that does not exist").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_under_an_id_that_exists() {
    let flags = ["--ids", "1..20"];
    assert_caught(&flags, |_| not_found("Item not found"), "status 404 for an id that should exist").await;
    let elsewhere = "status 404 for an id that should exist, not in the todo service's words";
    assert_caught(&flags, |_| HttpResponse::NotFound().body("<h1>nginx</h1>"), elsewhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_404_with_another_detail_or_none() {
    let flags = ["--missing", "1"];
    assert_caught(&flags, |_| not_found("Gone"), "the 404 has another detail than Item not found").await;
    let no_detail = "the body is no todo: missing field `detail`";
    assert_caught(&flags, |_| HttpResponse::NotFound().json(json!({"status": 404})), no_detail).await;
    assert_caught(&flags, |_| HttpResponse::NotFound().body("Not Found"), "the body is not JSON").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_stored_something_else_or_says_200() {
    let flags = ["--write", "1"];
    fn other_name(seen: &Seen) -> HttpResponse {
        let mut todo: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        todo["name"] = json!("Bob");
        HttpResponse::Created().json(todo)
    }
    assert_caught(&flags, other_name, "the body has another name or description than was sent").await;
    assert_caught(&flags, |_| todo_created("9"), "the body has another id than was asked for").await;
    assert_caught(&flags, |_| HttpResponse::Ok().json(json!({})), "status 200 OK to a POST").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_redirects_by_status() {
    assert_caught(&[], |_| HttpResponse::InternalServerError().finish(), "status 500 Internal Server Error").await;
    assert_caught(&[], |_| HttpResponse::ServiceUnavailable().finish(), "status 503 Service Unavailable").await;
    assert_caught(&[], |_| HttpResponse::Found().finish(), "status 302 Found").await;
    fn login(seen: &Seen) -> HttpResponse {
        HttpResponse::Found().insert_header(("location", format!("/login/{}?next={}", seen.id(), seen.path))).finish()
    }
    assert_caught(&[], login, "status 302 Found, to /login/{id}").await;
    fn elsewhere(seen: &Seen) -> HttpResponse {
        let location = format!("https://user:secret@example.org:8443{}#top", seen.path);
        HttpResponse::PermanentRedirect().insert_header(("location", location)).finish()
    }
    let message = "status 308 Permanent Redirect, to https://example.org:8443/todos/{id}";
    assert_caught(&[], elsewhere, message).await;
    fn busy(seen: &Seen) -> HttpResponse {
        HttpResponse::TooManyRequests().insert_header(("retry-after", seen.id())).finish()
    }
    assert_caught(&["--ids", "7..7"], busy, "status 429 Too Many Requests, Retry-After 7 s").await;
    fn on_sunday(_: &Seen) -> HttpResponse {
        let date = "Sun, 29 Nov 2026 00:00:00 GMT";
        HttpResponse::ServiceUnavailable().insert_header(("retry-after", date)).finish()
    }
    assert_caught(&[], on_sunday, "status 503 Service Unavailable, Retry-After a date").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_that_a_service_asks_for_are_one_message_with_their_range() {
    fn busy(seen: &Seen) -> HttpResponse {
        HttpResponse::ServiceUnavailable().insert_header(("retry-after", seen.id())).finish()
    }
    let target = Target::start(busy);
    let summary = run(&target.url(), &["--requests", "300", "--ids", "1..3"]).await;
    let message = "status 503 Service Unavailable, Retry-After 1 to 3 s";
    assert_eq!(by_name(&summary.errors), [(message, 300)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_mostly_fails_for_one_reason_says_what_is_likely_wrong() {
    type Case = (fn(&Seen) -> HttpResponse, &'static str);
    let cases: [Case; 5] = [
        (|_| not_found("Item not found"), "seeder generate"),
        (|_| HttpResponse::NotFound().body("<h1>nginx</h1>"), "not the todo service"),
        (|_| HttpResponse::MovedPermanently().insert_header(("location", "https://h/")).finish(), "redirects"),
        (|_| HttpResponse::TooManyRequests().finish(), "limits the rate"),
        (|_| HttpResponse::Unauthorized().finish(), "NAME:PASSWORD"),
    ];
    for (answer, hint) in cases {
        let target = Target::start(answer);
        let summary = run(&target.url(), &["--requests", "20", "--ids", "1..20"]).await;
        assert!(summary.hints.len() == 1 && summary.hints[0].contains(hint), "{hint}: {:?}", summary.hints);
        assert!(loadgen::report::terminal::text(&summary).contains(hint));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_kinds_of_requests_say_who_sends_them() {
    let target = Target::start(honest);
    run(&target.url(), &["--requests", "40", "--write", "0.5", "--missing", "0.2"]).await;
    let expected = concat!("loadgen/", env!("CARGO_PKG_VERSION"));
    assert!(target.seen().iter().all(|seen| seen.agent == expected), "{:?}", target.seen()[0].agent);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_service_that_lies_now_and_then_only_the_lies_count() {
    fn every_third(seen: &Seen) -> HttpResponse {
        match seen.id().parse::<u64>().unwrap() % 3 {
            0 => HttpResponse::InternalServerError().finish(),
            1 => todo("0"),
            _ => todo(seen.id()),
        }
    }
    let target = Target::start(every_third);
    let summary = run(&target.url(), &["--requests", "600", "--ids", "1..300"]).await;
    let of = |rest| target.seen().iter().filter(|seen| seen.id().parse::<u64>().unwrap() % 3 == rest).count() as u64;
    let expected = [("status 500 Internal Server Error", of(0)), ("the body has another id than was asked for", of(1))];
    assert_eq!(by_name(&summary.errors), expected.into());
    assert_eq!(summary.failures, of(0) + of(1));
    assert!(summary.errors.is_sorted_by(|a, b| a.count >= b.count), "{:?}", summary.errors);
}

fn todo_created(id: &str) -> HttpResponse {
    HttpResponse::Created().json(json!({"id": id, "name": "Ann", "description": null}))
}

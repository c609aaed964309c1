//! Bodies that are no todos: what was wrong, and where.

use std::io::Read;

use flate2::Compression;
use flate2::read::GzEncoder;
use reqwest::{Body, Method, Response};

use crate::support::{Service, detail, embedded, header};

#[tokio::test]
async fn what_is_not_json_is_400() {
    let service = embedded().await;
    for body in [
        "",
        " ",
        "{",
        r#"{"name":"A""#,
        r#"{"name":"A",}"#,
        r#"{name:"A"}"#,
        "{'name':'A'}",
        r#"{"name":"A"} x"#,
        r#"{"name":"\ud800"}"#,
        r#"{"name":"\x"}"#,
        "{\"name\":\"line\nbreak\"}",
        r#"{"name":01}"#,
        "name=A&description=B",
        &"[".repeat(10_000),
    ] {
        let detail = detail(service.post(body).await, 400).await;
        assert!(detail.contains("not valid JSON"), "{body}: {detail}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_are_400() {
    let service = embedded().await;
    let request = service.request(Method::POST, "/todos/").header("content-type", "application/json");
    let response = request.body(b"{\"name\":\"\xff\"}".to_vec()).send().await.unwrap();
    assert!(detail(response, 400).await.contains("not valid JSON"));
}

#[tokio::test]
async fn json_that_is_no_todo_is_422_and_names_the_field() {
    let service = embedded().await;
    let long = |n: usize| "x".repeat(n);
    let cases = [
        ("[]".to_owned(), "object"),
        ("null".to_owned(), "object"),
        ("7".to_owned(), "object"),
        ("\"todo\"".to_owned(), "object"),
        ("{}".to_owned(), "name: is required"),
        (r#"{"name":null}"#.to_owned(), "name: "),
        (r#"{"name":7}"#.to_owned(), "name: "),
        (r#"{"name":["A"]}"#.to_owned(), "name: "),
        (r#"{"name":""}"#.to_owned(), "name: "),
        (format!(r#"{{"name":"{}"}}"#, long(1_001)), "name: "),
        (r#"{"name":"A","description":7}"#.to_owned(), "description: "),
        (r#"{"name":"A","description":{}}"#.to_owned(), "description: "),
        (format!(r#"{{"name":"A","description":"{}"}}"#, long(10_001)), "description: "),
        (r#"{"id":7,"name":"A"}"#.to_owned(), "id: "),
        (r#"{"id":"","name":"A"}"#.to_owned(), "id: "),
        (r#"{"id":"a/b","name":"A"}"#.to_owned(), "id: "),
        (r#"{"id":".","name":"A"}"#.to_owned(), "id: must not be `.` or `..`"),
        (r#"{"id":"..","name":"A"}"#.to_owned(), "id: must not be `.` or `..`"),
        (r#"{"id":"a\u0000b","name":"A"}"#.to_owned(), "id: "),
        (format!(r#"{{"id":"{}","name":"A"}}"#, long(129)), "id: "),
    ];
    for (body, why) in cases {
        let detail = detail(service.post(body.clone()).await, 422).await;
        assert!(detail.contains(why), "{:.60}: {detail}", body);
    }
}

#[tokio::test]
async fn at_its_limits_a_todo_is_taken_and_characters_count_not_bytes() {
    let service = embedded().await;
    for (n, character) in ["x", "ä", "\u{1F600}"].iter().enumerate() {
        let (name, description) = (character.repeat(1_000), character.repeat(10_000));
        let body = format!(r#"{{"id":"{n}{}","name":"{name}","description":"{description}"}}"#, "i".repeat(127));
        assert_eq!(service.post(body).await.status(), 201, "{character}");
    }
}

/// `text` with every UTF-16 code unit as an escape.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[tokio::test]
async fn at_its_limits_a_todo_is_taken_also_when_every_character_is_an_escape() {
    let service = embedded().await;
    for (id, character) in
        [("i".repeat(128), "\u{1F600}"), ("\u{1F600}".repeat(32), "\u{1F600}"), ("j".repeat(128), "ä")]
    {
        let (name, description) = (character.repeat(1_000), character.repeat(10_000));
        let fields = [("id", &id), ("name", &name), ("description", &description)];
        let fields = fields.map(|(field, value)| format!(r#""{}":"{}""#, escaped(field), escaped(value)));
        let body = format!("{{{}}}", fields.join(","));
        let created = service.post(body).await;
        assert_eq!(created.status(), 201, "{}", created.text().await.unwrap());
        let patch = format!(r#"{{"name":"{}"}}"#, escaped("changed"));
        let patched =
            service.request(Method::PATCH, &format!("/todos/{id}")).header("content-type", "application/json");
        assert_eq!(patched.body(patch).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_the_limit_is_said() {
    let service = embedded().await;
    let body = |bytes: usize| {
        let rest = r#"{"name":"A","padding":""}"#.len();
        format!(r#"{{"name":"A","padding":"{}"}}"#, "x".repeat(bytes - rest))
    };
    assert_eq!(service.post(body(192 * 1024)).await.status(), 201);
    let too_large = service.post(body(192 * 1024 + 1)).await;
    assert!(detail(too_large, 413).await.contains("196608"));
}

async fn send(service: &Service, method: Method, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let path = if method == Method::POST { "/todos" } else { "/todos/1" };
    let mut request = service.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).send().await.unwrap()
}

#[tokio::test]
async fn a_body_must_say_that_it_is_json() {
    let service = embedded().await;
    service.create("1").await;
    // What is sent as Content-Type, and the status of POST, PUT and PATCH.
    let cases: &[(&[&str], [u16; 3])] = &[
        (&["application/json"], [201, 200, 200]),
        (&["application/json; charset=utf-8"], [201, 200, 200]),
        (&["application/json;charset=\"UTF-8\""], [201, 200, 200]),
        (&["APPLICATION/JSON"], [201, 200, 200]),
        (&["application/vnd.todo+json"], [201, 200, 415]),
        (&["application/merge-patch+json"], [415, 415, 200]),
        (&["application/json-patch+json"], [415, 415, 415]),
        (&["application/json; charset=iso-8859-1"], [415, 415, 415]),
        (&["application/json; charset=utf-16"], [415, 415, 415]),
        (&["text/plain"], [415, 415, 415]),
        (&["text/plain; a=application/json"], [415, 415, 415]),
        (&["application/x-www-form-urlencoded"], [415, 415, 415]),
        (&["multipart/form-data; boundary=x"], [415, 415, 415]),
        (&["application/jsonp"], [415, 415, 415]),
        (&["application/json, text/plain"], [415, 415, 415]),
        (&["application/json", "text/plain"], [415, 415, 415]),
        (&[""], [415, 415, 415]),
        (&[], [415, 415, 415]),
    ];
    for (types, expected) in cases {
        let headers: Vec<_> = types.iter().map(|media_type| ("content-type", *media_type)).collect();
        for (method, expected) in [Method::POST, Method::PUT, Method::PATCH].into_iter().zip(expected) {
            let response = send(&service, method.clone(), &headers, r#"{"name":"A"}"#).await;
            assert_eq!(response.status().as_u16(), *expected, "{method} {types:?}");
            if *expected == 415 {
                let both = "application/merge-patch+json, application/json";
                let (accept, post, patch) = match method.as_str() {
                    "PATCH" => (both, "", both),
                    "POST" => ("application/json", "application/json", ""),
                    _ => ("application/json", "", ""),
                };
                let said = ["accept", "accept-post", "accept-patch"].map(|name| header(&response, name));
                assert_eq!(said, [accept, post, patch], "{method}");
                let detail = detail(response, 415).await;
                assert!(detail.contains("Content-Type must be application/"), "{detail}");
                assert!(types.first().is_none_or(|sent| detail.contains(sent.trim_matches('"')) || sent.contains('"')));
            }
        }
    }
}

#[tokio::test]
async fn json_may_begin_with_a_byte_order_mark() {
    let service = embedded().await;
    let json = [("content-type", "application/json")];
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        let response = send(&service, method.clone(), &json, "\u{FEFF}{\"id\":\"1\",\"name\":\"A\"}").await;
        assert!(response.status().is_success(), "{method}");
    }
    let twice = send(&service, Method::POST, &json, "\u{FEFF}\u{FEFF}{\"name\":\"A\"}").await;
    assert!(detail(twice, 400).await.contains("not valid JSON"));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    GzEncoder::new(bytes, Compression::best()).read_to_end(&mut packed).unwrap();
    packed
}

#[tokio::test]
async fn a_body_may_be_packed_with_gzip_and_with_nothing_else() {
    let service = embedded().await;
    let todo = br#"{"name":"A","description":"packed"}"#;
    let (packed, torn) = (gzip(todo), gzip(todo)[..20].to_vec());
    let members = [gzip(&todo[..10]), gzip(&todo[10..])].concat();
    let cases: &[(&[&str], &[u8], u16)] = &[
        (&["gzip"], &packed, 201),
        (&["GZIP"], &packed, 201),
        (&["x-gzip"], &packed, 201),
        (&["identity"], todo, 201),
        (&["identity, gzip"], &packed, 201),
        (&["gzip"], &members, 201),
        (&["gzip"], todo, 400),
        (&["gzip"], &torn, 400),
        (&["gzip"], b"", 400),
        (&["identity"], &packed, 400),
        (&[], &packed, 400),
        (&["br"], todo, 415),
        (&["deflate"], todo, 415),
        (&["zstd"], todo, 415),
        (&["gzip, gzip"], &packed, 415),
        (&["gzip", "br"], &packed, 415),
        (&["utf-8"], todo, 415),
        (&[""], todo, 415),
    ];
    for (codings, body, expected) in cases {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(codings.iter().map(|coding| ("content-encoding", *coding)));
        let response = send(&service, Method::POST, &headers, body.to_vec()).await;
        assert_eq!(response.status().as_u16(), *expected, "{codings:?}");
        let accepted = header(&response, "accept-encoding").to_owned();
        match *expected {
            201 => assert!(response.text().await.unwrap().contains(r#""name":"A""#)),
            status => {
                assert_eq!(accepted, if status == 415 { "gzip" } else { "" });
                detail(response, status).await;
            }
        }
    }
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_large_one_is_413() {
    let service = embedded().await;
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100 * 1024, "it is small enough to be read");
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let response = send(&service, Method::POST, &headers, bomb).await;
    assert!(detail(response, 413).await.contains("unpacked"));
}

//! Headers that guard or steer: `If-Match`, `If-None-Match`, `Min-Version`, `Cache-Control`. What cannot be used is 400.

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::Value;

use crate::support::{Service, detail, embedded, header, servers};

/// One header line as bytes; `TAG` stands for the tag of the todo that is there.
type Line<'a> = (&'static str, &'a [u8]);

async fn send(service: &Service, method: Method, id: &str, lines: &[Line<'_>]) -> reqwest::Response {
    let mut request = service.request(method.clone(), &format!("/todos/{id}"));
    for (name, value) in lines {
        request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
    }
    if method == Method::PUT || method == Method::PATCH {
        request = request.header("content-type", "application/json").body(r#"{"name":"overwritten"}"#);
    }
    request.send().await.unwrap()
}

async fn name_and_tag(service: &Service, id: &str) -> (String, String) {
    let response = service.get(&format!("/todos/{id}")).await;
    let tag = header(&response, "etag").to_owned();
    let todo: Value = response.json().await.unwrap();
    (todo["name"].as_str().unwrap().to_owned(), tag)
}

/// What is there, but is no list of entity tags.
const UNUSABLE: [&[u8]; 22] = [
    b"",
    b" ",
    b",",
    b" , ,",
    b"nonsense",
    b"1-00000000",
    b"\"",
    b"\"torn",
    b"torn\"",
    b"'1'",
    b"\"a\" \"b\"",
    b"\"a\"b",
    b"\"a b\"",
    b"\"a\\\"b\"",
    b"w/\"a\"",
    b"W/ \"a\"",
    b"W/a",
    b"*, \"a\"",
    b"\"a\", *",
    b"**",
    b"undefined",
    b"\"caf\xe9\"",
];

#[tokio::test]
async fn a_precondition_that_cannot_be_used_is_400_and_nothing_is_written() {
    for service in [servers().await, embedded().await] {
        service.create("1").await;
        let before = name_and_tag(&service, "1").await;
        for field in ["if-match", "if-none-match"] {
            for value in UNUSABLE {
                for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::GET] {
                    let answer = send(&service, method.clone(), "1", &[(field, value)]).await;
                    let said = detail(answer, 400).await;
                    assert!(said.to_lowercase().starts_with(field), "{method} {}: {said}", value.escape_ascii());
                }
                assert_eq!(send(&service, Method::HEAD, "1", &[(field, value)]).await.status(), 400);
                assert_eq!(name_and_tag(&service, "1").await, before, "{field}: {}", value.escape_ascii());
            }
            for method in [Method::PUT, Method::PATCH, Method::DELETE] {
                let torn = send(&service, method, "1", &[(field, b"\"a"), (field, b"b\"")]).await;
                assert_eq!(torn.status(), 400, "a tag torn between two lines");
            }
            let post =
                service.request(Method::POST, "/todos").header(field, "").header("content-type", "application/json");
            let post = post.body(r#"{"id":"2","name":"A"}"#).send().await.unwrap();
            assert_eq!((post.status().as_u16(), service.get("/todos/2").await.status().as_u16()), (400, 404));
        }
    }
}

#[tokio::test]
async fn preconditions_are_evaluated_in_the_order_of_rfc_9110() {
    // Of `1`, which is there, and of `2`, which is not; DELETE comes last, for it takes `1` away where it is carried out.
    #[rustfmt::skip]
    let cases: &[(&[Line<'_>], [u16; 5], [u16; 4])] = &[
        // headers                                                     GET HEAD PUT PATCH DELETE   missing: GET PUT PATCH DELETE
        (&[],                                                         [200, 200, 200, 200, 204], [404, 201, 404, 404]),
        (&[("if-match", b"*")],                                       [200, 200, 200, 200, 204], [404, 412, 404, 404]),
        (&[("if-match", b"TAG")],                                     [200, 200, 200, 200, 204], [404, 412, 404, 404]),
        (&[("if-match", b"\"x\", TAG")],                              [200, 200, 200, 200, 204], [404, 412, 404, 404]),
        (&[("if-match", b",\t\"x\" ,, TAG ,")],                       [200, 200, 200, 200, 204], [404, 412, 404, 404]),
        (&[("if-match", b"\"x\""), ("if-match", b"TAG")],             [200, 200, 200, 200, 204], [404, 412, 404, 404]),
        (&[("if-match", b"\"x\"")],                                   [412, 412, 412, 412, 412], [404, 412, 404, 404]),
        (&[("if-match", b"\"\"")],                                    [412, 412, 412, 412, 412], [404, 412, 404, 404]),
        (&[("if-match", b"\"a,*,b\"")],                               [412, 412, 412, 412, 412], [404, 412, 404, 404]),
        (&[("if-match", b"\"*\"")],                                   [412, 412, 412, 412, 412], [404, 412, 404, 404]),
        (&[("if-match", b"W/TAG")],                                   [412, 412, 412, 412, 412], [404, 412, 404, 404]),
        (&[("if-none-match", b"*")],                                  [304, 304, 412, 412, 412], [404, 201, 404, 404]),
        (&[("if-none-match", b"TAG")],                                [304, 304, 412, 412, 412], [404, 201, 404, 404]),
        (&[("if-none-match", b"W/TAG")],                              [304, 304, 412, 412, 412], [404, 201, 404, 404]),
        (&[("if-none-match", b"\"x\""), ("if-none-match", b"TAG")],   [304, 304, 412, 412, 412], [404, 201, 404, 404]),
        (&[("if-none-match", b"\"x\"")],                              [200, 200, 200, 200, 204], [404, 201, 404, 404]),
        (&[("if-none-match", b"\"a,*,b\"")],                          [200, 200, 200, 200, 204], [404, 201, 404, 404]),
        (&[("if-match", b"TAG"), ("if-none-match", b"\"x\"")],        [200, 200, 200, 200, 204], [404, 412, 404, 404]),
        (&[("if-match", b"TAG"), ("if-none-match", b"TAG")],          [304, 304, 412, 412, 412], [404, 412, 404, 404]),
        (&[("if-match", b"\"x\""), ("if-none-match", b"TAG")],        [412, 412, 412, 412, 412], [404, 412, 404, 404]),
        (&[("if-match", b"*"), ("if-none-match", b"*")],              [304, 304, 412, 412, 412], [404, 412, 404, 404]),
        // There is no date of modification, so dates are ignored (§13.1.3, §13.1.4).
        (&[("if-unmodified-since", b"Thu, 01 Jan 1970 00:00:00 GMT")], [200, 200, 200, 200, 204], [404, 201, 404, 404]),
        (&[("if-modified-since", b"Fri, 31 Dec 2100 00:00:00 GMT")],  [200, 200, 200, 200, 204], [404, 201, 404, 404]),
    ];
    for service in [servers().await, embedded().await] {
        for (lines, there, missing) in cases {
            let said =
                lines.iter().map(|(name, value)| format!("{name}: {}; ", value.escape_ascii())).collect::<String>();
            let methods = [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE];
            for (method, expected) in methods.into_iter().zip(there) {
                if service.get("/todos/1").await.status() == 404 {
                    service.create("1").await;
                }
                let (_, tag) = name_and_tag(&service, "1").await;
                let values: Vec<_> =
                    lines.iter().map(|(_, value)| String::from_utf8_lossy(value).replace("TAG", &tag)).collect();
                let lines: Vec<_> =
                    lines.iter().zip(&values).map(|((name, _), value)| (*name, value.as_bytes())).collect();
                let answer = send(&service, method.clone(), "1", &lines).await;
                assert_eq!(answer.status().as_u16(), *expected, "{said}{method}");
            }
            let values: Vec<_> = lines
                .iter()
                .map(|(_, value)| String::from_utf8_lossy(value).replace("TAG", "\"7-00000000\""))
                .collect();
            let lines: Vec<_> = lines.iter().zip(&values).map(|((name, _), value)| (*name, value.as_bytes())).collect();
            for (method, expected) in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE].into_iter().zip(missing)
            {
                let answer = send(&service, method.clone(), "2", &lines).await;
                assert_eq!(answer.status().as_u16(), *expected, "{said}{method} of a missing todo");
                if *expected == 201 {
                    assert_eq!(send(&service, Method::DELETE, "2", &[]).await.status(), 204);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_tag_that_a_proxy_changed_is_answered_with_what_helps() {
    let service = embedded().await;
    service.create("1").await;
    let (_, tag) = name_and_tag(&service, "1").await;
    let inner = tag.trim_matches('"');
    for (sent, why) in [
        (format!("W/{tag}"), "W/"),
        (format!("\"{inner}-gzip\""), "suffix"),
        (format!("\"{inner};gzip\""), "suffix"),
        (format!("\"{inner}--gzip\""), "suffix"),
        (format!("W/\"{inner}-gzip\""), "suffix"),
        (format!("\"{inner}-br\""), "suffix"),
        ("\"1-00000000\"".to_owned(), "read it again"),
    ] {
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::GET] {
            let answer = send(&service, method, "1", &[("if-match", sent.as_bytes())]).await;
            let said = detail(answer, 412).await;
            assert!(said.contains(why), "{sent}: {said}");
        }
    }
}

#[tokio::test]
async fn min_version_is_one_number_that_a_version_can_be() {
    let service = embedded().await;
    service.create("1").await;
    for good in ["0", "1", "007"] {
        assert_eq!(send(&service, Method::GET, "1", &[("min-version", good.as_bytes())]).await.status(), 200, "{good}");
    }
    let highest = send(&service, Method::GET, "1", &[("min-version", b"9007199254740991")]).await;
    assert_eq!(highest.status(), 503, "a version that can be, but is not there");
    let unusable: [&[u8]; 11] = [
        b"",
        b" ",
        b"x",
        b"-1",
        b"+1",
        b"1.0",
        b"1e3",
        b"1,2",
        b"9007199254740992",
        b"99999999999999999999999",
        b"\xb2",
    ];
    for bad in unusable {
        let said = detail(send(&service, Method::GET, "1", &[("min-version", bad)]).await, 400).await;
        assert!(said.contains("Min-Version") && said.contains("9007199254740991"), "{}: {said}", bad.escape_ascii());
    }
    let twice = send(&service, Method::GET, "1", &[("min-version", b"1"), ("min-version", b"1")]).await;
    assert!(detail(twice, 400).await.contains("Min-Version"));
}

#[tokio::test]
async fn cache_control_is_read_by_its_grammar() {
    let service = embedded().await;
    // Of a todo that the cache does not hold: 504 if only the cache is asked.
    let cases: &[(&[&[u8]], u16)] = &[
        (&[b"only-if-cached"], 504),
        (&[b"ONLY-IF-CACHED"], 504),
        (&[b"max-age=0, only-if-cached"], 504),
        (&[b"max-age=0", b"only-if-cached"], 504),
        (&[b",only-if-cached ,,"], 504),
        (&[b"x=\"a,b\", only-if-cached"], 504),
        (&[b"x=\"a, only-if-cached, b\""], 404),
        (&[b"x=\"a\\\", only-if-cached\""], 404),
        (&[b"only-if-cachedx"], 404),
        (&[b"max-age=0"], 404),
        (&[b""], 404),
        (&[b"x=\"torn, only-if-cached"], 400),
        (&[b"max-age 0"], 400),
        (&[b"max-age="], 400),
        (&[b"=0"], 400),
        (&[b"no-cache; max-age=0"], 400),
    ];
    for (n, (lines, expected)) in cases.iter().enumerate() {
        let lines: Vec<_> = lines.iter().map(|line| ("cache-control", *line)).collect();
        let answer = send(&service, Method::GET, &format!("missing-{n}"), &lines).await;
        assert_eq!(answer.status().as_u16(), *expected, "{}", lines[0].1.escape_ascii());
    }
}

//! Every answer says how it may be cached.

use reqwest::Method;

use crate::support::{embedded, header};

#[tokio::test]
async fn every_answer_carries_cache_control() {
    let service = embedded().await;
    service.create("1").await;
    let json = "application/json";
    for (method, path, headers, body, status, expected) in [
        ("GET", "/todos/1", vec![], "", 200, "no-cache"),
        ("HEAD", "/todos/1", vec![], "", 200, "no-cache"),
        ("GET", "/todos/1", vec![("if-none-match", "*")], "", 304, "no-cache"),
        ("GET", "/todos/none", vec![], "", 404, "no-cache"),
        ("HEAD", "/todos/none", vec![], "", 404, "no-cache"),
        ("GET", "/todos/none", vec![("cache-control", "only-if-cached")], "", 404, "no-cache"),
        ("GET", "/todos/never", vec![("cache-control", "only-if-cached")], "", 504, "no-store"),
        ("GET", "/todos/1", vec![("min-version", "x")], "", 400, "no-store"),
        ("GET", "/todos/1", vec![("min-version", "9007199254740991")], "", 503, "no-store"),
        ("GET", "/nothing", vec![], "", 404, "no-store"),
        ("GET", "/livez", vec![], "", 200, "no-store"),
        ("GET", "/readyz", vec![], "", 200, "no-store"),
        ("HEAD", "/livez", vec![], "", 200, "no-store"),
        ("OPTIONS", "/todos/1", vec![], "", 204, "no-store"),
        ("POST", "/todos/1", vec![], "", 405, "no-store"),
        ("POST", "/todos", vec![("content-type", json)], r#"{"id":"1","name":"A"}"#, 409, "no-store"),
        ("POST", "/todos", vec![("content-type", json)], r#"{"id":"2","name":"A"}"#, 201, "no-store"),
        ("POST", "/todos", vec![("content-type", json)], "{", 400, "no-store"),
        ("POST", "/todos", vec![("content-type", json)], r#"{"name":5}"#, 422, "no-store"),
        ("POST", "/todos", vec![("content-type", "text/plain")], "{}", 415, "no-store"),
        ("PUT", "/todos/1", vec![("content-type", json)], r#"{"name":"B"}"#, 200, "no-store"),
        ("PUT", "/todos/1", vec![("content-type", json), ("if-match", "\"x\"")], r#"{"name":"B"}"#, 412, "no-store"),
        ("PATCH", "/todos/1", vec![("content-type", json)], r#"{"name":"C"}"#, 200, "no-store"),
        ("DELETE", "/todos/2", vec![], "", 204, "no-store"),
    ] {
        let mut request = service.request(method.parse::<Method>().unwrap(), path).body(body);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let case = format!("{method} {path} {headers:?}");
        assert_eq!(answer.status(), status, "{case}");
        assert_eq!(header(&answer, "cache-control"), expected, "{case}");
        assert_ne!(header(&answer, "x-request-id"), "", "{case}");
    }
    let large = service.post("x".repeat(200_000)).await;
    assert_eq!((large.status().as_u16(), header(&large, "cache-control")), (413, "no-store"));
}

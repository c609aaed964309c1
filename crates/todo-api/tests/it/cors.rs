//! OPTIONS, and pages of other origins.

use reqwest::{Method, StatusCode};

use crate::support::{Service, embedded, header};

#[tokio::test]
async fn options_says_what_is_possible() {
    let service = embedded().await;
    for (path, allowed) in [
        ("/todos/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/todos", "GET, HEAD, POST, OPTIONS"),
        ("/todos/", "GET, HEAD, POST, OPTIONS"),
        ("/livez", "GET, HEAD, OPTIONS"),
    ] {
        let answer = service.request(Method::OPTIONS, path).send().await.unwrap();
        assert_eq!((answer.status(), header(&answer, "allow")), (StatusCode::NO_CONTENT, allowed), "{path}");
        assert_eq!(header(&answer, "access-control-allow-origin"), "", "CORS is off");
    }
    let nothing = service.request(Method::OPTIONS, "/nothing").send().await.unwrap();
    assert_eq!(nothing.status(), 404);
}

#[test]
fn options_of_the_server_itself_is_answered() {
    let program = crate::program::Program::start(&[]);
    let answer = crate::program::ask(&mut program.connect(), "OPTIONS * HTTP/1.1\r\nhost: t\r\n\r\n");
    assert_eq!(answer.status(), 204, "{answer:?}");
    assert_eq!(answer.header("allow"), Some("get, head, delete, post, put, patch, options"));
}

#[tokio::test]
async fn pages_of_the_named_origins_may_call_and_others_may_not() {
    let service = Service::start(&["--cors-origin", "https://a.example"]).await;
    service.create("1").await;
    for (origin, allowed) in [("https://a.example", "https://a.example"), ("https://b.example", ""), ("null", "")] {
        let get = service.request(Method::GET, "/todos/1").header("origin", origin).send().await.unwrap();
        assert_eq!(header(&get, "access-control-allow-origin"), allowed);
        assert_eq!(header(&get, "vary").to_lowercase(), "origin", "a cache on the way keeps them apart");
        assert_eq!(header(&get, "access-control-expose-headers").contains("ETag"), !allowed.is_empty());
        let missing = service.request(Method::GET, "/todos/0").header("origin", origin).send().await.unwrap();
        assert_eq!(header(&missing, "access-control-allow-origin"), allowed, "errors, too");
        let preflight = service
            .request(Method::OPTIONS, "/todos/1")
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "content-type, if-match")
            .send()
            .await
            .unwrap();
        assert_eq!(
            (preflight.status(), header(&preflight, "access-control-allow-origin")),
            (StatusCode::NO_CONTENT, allowed)
        );
        assert_eq!(header(&preflight, "access-control-allow-methods").contains("PUT"), !allowed.is_empty());
        assert_eq!(header(&preflight, "access-control-allow-headers").contains("If-Match"), !allowed.is_empty());
    }
}

#[tokio::test]
async fn any_origin_is_a_star() {
    let service = Service::start(&["--cors-origin", "*"]).await;
    let answer = service.request(Method::GET, "/livez").header("origin", "https://b.example").send().await.unwrap();
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");
}

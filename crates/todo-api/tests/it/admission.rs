//! Who is let in: so many requests at one time, and writes of those who have the token.

use std::process::Command;

use reqwest::{Method, Response};
use test_servers::{Certificates, RedisServer, fresh_name, until};

use crate::documented::Document;
use crate::program::Program;
use crate::support::{Service, detail, header};

#[tokio::test]
async fn more_requests_than_allowed_are_refused_at_once_and_probes_are_not() {
    let (redis, prefix) = (RedisServer::start(), fresh_name("admission"));
    let flags = ["--cache", &redis.url(), "--cache-prefix", &prefix, "--workers", "1", "--redis-timeout", "120s"];
    let service = Service::start(&[&flags[..], &["--max-in-flight", "2"]].concat()).await;
    service.create("1").await;
    assert_eq!(service.get("/todos/1").await.status(), 200);
    // Whoever is let in waits for it now.
    redis.suspend();
    let waiting: Vec<_> = (0..2).map(|_| tokio::spawn(service.request(Method::GET, "/todos/1").send())).collect();
    until("two are under way", async || {
        let metrics = service.get("/metrics").await.text().await.unwrap();
        let of_line = |line: &str| line.strip_prefix("http_requests_in_flight ")?.parse::<f64>().ok();
        // The one that asks is one, too.
        metrics.lines().find_map(of_line) == Some(3.0)
    })
    .await;
    let document = Document::of(&service).await;
    for (method, path) in [(Method::GET, "/todos/1"), (Method::GET, "/todos?ids=1"), (Method::DELETE, "/todos/1")] {
        let refused = service.request(method.clone(), path).send().await.unwrap();
        assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (503, "1"), "{method} {path}");
        let template = if path == "/todos/1" { "/todos/{id}" } else { "/todos" };
        document.check(template, &method, refused).await;
    }
    let refused = service.get("/todos/1").await;
    assert!(detail(refused, 503).await.contains("too many requests"), "it says why");
    for path in ["/livez", "/metrics", "/openapi.json"] {
        assert_eq!(service.get(path).await.status(), 200, "{path}");
    }
    redis.resume();
    for request in waiting {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(service.get("/todos/1").await.status(), 200);
}

/// So many requests at once, of whom the header says; how many were refused.
async fn refused_of(service: &Service, client: &str, requests: usize) -> usize {
    let ask = || service.request(Method::GET, "/todos/1").header("x-forwarded-for", client).send();
    let answers = futures::future::join_all((0..requests).map(|_| ask())).await;
    let statuses = answers.into_iter().map(|answer| answer.unwrap().status().as_u16());
    statuses.inspect(|status| assert!(matches!(status, 200 | 429), "{status}")).filter(|status| *status == 429).count()
}

/// The first refusal that a client gets that asks without a pause.
async fn first_refusal(service: &Service, client: &str) -> Response {
    loop {
        let ask = || service.request(Method::GET, "/todos/1").header("x-forwarded-for", client).send();
        let answers = futures::future::join_all((0..40).map(|_| ask())).await;
        if let Some(refused) = answers.into_iter().map(Result::unwrap).find(|answer| answer.status() == 429) {
            return refused;
        }
    }
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_refused_until_its_time_and_others_are_not() {
    let service = Service::start(&["--client-rate", "2/s", "--client-address", "X-Forwarded-For"]).await;
    service.create("1").await;
    let document = Document::of(&service).await;
    // To let all of them in would take a minute.
    let refused = refused_of(&service, "203.0.113.7", 120).await;
    assert!((1..119).contains(&refused), "{refused} of 120");
    assert_eq!(refused_of(&service, "203.0.113.7, 203.0.113.8", 1).await, 0, "the last address counts");
    assert_eq!(refused_of(&service, "2001:db8::1", 1).await, 0);
    assert!(refused_of(&service, "203.0.113.9, [2001:db8::2]:443", 120).await > 0, "one site of IPv6 is one client");
    let refused = first_refusal(&service, "203.0.113.7").await;
    assert_eq!(header(&refused, "retry-after"), "1");
    document.check("/todos/{id}", &Method::GET, refused).await;
    until("it may ask again", async || refused_of(&service, "203.0.113.7", 1).await == 0).await;
    for path in ["/livez", "/readyz", "/metrics"] {
        for _ in 0..50 {
            assert_eq!(service.get(path).await.status(), 200, "{path}: probes and scrapes do not count");
        }
    }
    // What is no address is no client of its own.
    let nobody = refused_of(&service, "unknown", 60).await + refused_of(&service, "203.0.113.1, unknown", 60).await;
    assert!(nobody > 0);
}

#[tokio::test]
async fn without_a_header_a_client_is_who_connects_and_without_a_rate_nobody_is_refused() {
    let service = Service::start(&["--client-rate", "2/s"]).await;
    service.create("1").await;
    let refused = refused_of(&service, "203.0.113.7", 60).await + refused_of(&service, "203.0.113.8", 60).await;
    assert!(refused > 0, "what clients say of themselves does not count");
    let service = Service::start(&[]).await;
    service.create("1").await;
    assert_eq!(refused_of(&service, "203.0.113.7", 120).await, 0);
    for wrong in ["", "X Forwarded", "for:"] {
        let flags = ["--client-rate", "1/s", "--client-address", wrong];
        let output = Command::new(env!("CARGO_BIN_EXE_todo-api")).args(flags).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
    let alone = Command::new(env!("CARGO_BIN_EXE_todo-api")).args(["--client-address", "X-Real-IP"]).output().unwrap();
    assert_eq!(alone.status.code(), Some(2), "a header that nothing is limited by");
    assert!(String::from_utf8_lossy(&alone.stderr).contains("--client-rate"), "{alone:?}");
}

/// What is asked with this `Authorization`, if any.
async fn answer(service: &Service, method: Method, path: &str, authorization: Option<&str>) -> Response {
    let mut request = service.request(method, path).header("content-type", "application/json");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    request.body(r#"{"name":"A"}"#).send().await.unwrap()
}

#[tokio::test]
async fn writes_need_the_token_and_reads_do_not() {
    let service = Service::start(&["--write-token", "s3cret-Token/+=="]).await;
    let document = Document::of(&service).await;
    let right = Some("Bearer s3cret-Token/+==");
    let writes = [
        (Method::POST, "/todos"),
        (Method::POST, "/todos/"),
        (Method::PUT, "/todos/1"),
        (Method::PATCH, "/todos/1"),
        (Method::DELETE, "/todos/1"),
    ];
    for (method, path) in &writes {
        for (authorization, challenge) in [
            (None, r#"Bearer realm="todo-api""#),
            (Some("Bearer s3cret-Token/+="), r#"Bearer realm="todo-api", error="invalid_token""#),
            (Some("Bearer "), r#"Bearer realm="todo-api", error="invalid_token""#),
            (Some("s3cret-Token/+=="), r#"Bearer realm="todo-api", error="invalid_token""#),
            (Some("Basic s3cret-Token/+=="), r#"Bearer realm="todo-api", error="invalid_token""#),
        ] {
            let refused = answer(&service, method.clone(), path, authorization).await;
            assert_eq!(refused.status(), 401, "{method} {path} {authorization:?}");
            assert_eq!(header(&refused, "www-authenticate"), challenge, "{method} {path} {authorization:?}");
            let template = path.replace("/1", "/{id}");
            document.check(&template, method, refused).await;
        }
    }
    assert_eq!(service.get("/todos/1").await.status(), 404, "nothing was written");
    assert_eq!(answer(&service, Method::PUT, "/todos/1", right).await.status(), 201);
    assert_eq!(answer(&service, Method::PATCH, "/todos/1", Some("bearer  s3cret-Token/+==")).await.status(), 200);
    assert_eq!(service.get("/todos/1").await.status(), 200);
    assert_eq!(answer(&service, Method::DELETE, "/todos/1", right).await.status(), 204);
    assert_eq!(answer(&service, Method::POST, "/todos", right).await.status(), 201);
    let twice = service.request(Method::DELETE, "/todos/1").header("authorization", "Bearer s3cret-Token/+==");
    assert_eq!(twice.header("authorization", "Bearer x").send().await.unwrap().status(), 401, "which one counts?");
}

#[tokio::test]
async fn the_token_is_read_from_a_file_and_stands_in_no_line() {
    let folder = Certificates::make();
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo-api"));
    command.env("TODO_WRITE_TOKEN_FILE", folder.write("token", "hunter2\n"));
    let program = Program::start_by(command, &["--log", "debug"]);
    let url = format!("http://{}/todos", program.address());
    let post = |token: &str| {
        let request = reqwest::Client::new().post(&url).bearer_auth(token);
        request.json(&serde_json::json!({"id": "1", "name": "Ada"})).send()
    };
    assert_eq!(post("hunter3").await.unwrap().status(), 401);
    assert_eq!(post("hunter2").await.unwrap().status(), 201);
    assert!(!program.log().iter().any(|line| line.contains("hunter")), "{:?}", program.log());
    for wrong in ["", " ", "a b", "===", "grün"] {
        let output = Command::new(env!("CARGO_BIN_EXE_todo-api")).args(["--write-token", wrong]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{wrong:?}: {said}");
        assert!(said.contains("--write-token") && (wrong.len() < 3 || !said.contains(wrong)), "{wrong:?}: {said}");
    }
}

#[tokio::test]
async fn every_answer_says_that_its_type_is_what_it_says() {
    let service = Service::start(&[]).await;
    for path in ["/todos/1", "/livez", "/readyz", "/docs", "/openapi.json", "/metrics", "/nowhere"] {
        assert_eq!(header(&service.get(path).await, "x-content-type-options"), "nosniff", "{path}");
    }
}

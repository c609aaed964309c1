//! Bodies that are no todos: what was wrong, and where.

use reqwest::Method;

use crate::support::{detail, embedded};

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

#[tokio::test]
async fn a_body_over_64_kib_is_413() {
    let service = embedded().await;
    let body = |bytes: usize| {
        let rest = r#"{"name":"A","padding":""}"#.len();
        format!(r#"{{"name":"A","padding":"{}"}}"#, "x".repeat(bytes - rest))
    };
    assert_eq!(service.post(body(64 * 1024)).await.status(), 201);
    let too_large = service.post(body(64 * 1024 + 1)).await;
    assert!(detail(too_large, 413).await.contains("65536"));
}

#[tokio::test]
async fn a_body_that_says_it_is_no_json_is_415() {
    let service = embedded().await;
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        let request = service.request(Method::POST, "/todos/").header("content-type", media);
        let response = request.body(r#"{"name":"A"}"#).send().await.unwrap();
        assert!(detail(response, 415).await.contains(media));
    }
    for media in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.todo+json"] {
        let request = service.request(Method::POST, "/todos/").header("content-type", media);
        assert_eq!(request.body(r#"{"name":"A"}"#).send().await.unwrap().status(), 201, "{media}");
    }
    let unsaid = service.request(Method::POST, "/todos/").body(r#"{"name":"A"}"#).send().await.unwrap();
    assert_eq!(unsaid.status(), 201);
}

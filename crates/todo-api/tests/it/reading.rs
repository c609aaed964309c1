//! GET and HEAD.

use reqwest::Method;

use crate::support::{Service, cache_status, detail, embedded, header, servers};

#[tokio::test]
async fn a_todo_is_answered_with_exactly_its_three_fields() {
    let service = servers().await;
    service.post(r#"{"id":"1","name":"A \"quoted\" name","extra":1}"#).await;
    let response = service.get("/todos/1").await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "application/json");
    assert_eq!(header(&response, "cache-control"), "no-cache");
    assert_eq!(response.text().await.unwrap(), r#"{"id":"1","name":"A \"quoted\" name","description":null}"#);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let service = embedded().await;
    service.create("1").await;
    let get = service.get("/todos/1").await;
    let head = service.request(Method::HEAD, "/todos/1").send().await.unwrap();
    assert_eq!(head.status(), 200);
    for name in ["etag", "content-length", "content-type", "cache-control"] {
        assert_eq!(header(&head, name), header(&get, name), "{name}");
    }
    assert_eq!(head.text().await.unwrap(), "");
    let missing = service.request(Method::HEAD, "/todos/2").send().await.unwrap();
    assert_eq!(missing.status(), 404);
}

#[tokio::test]
async fn a_missing_todo_is_item_not_found() {
    let service = servers().await;
    for outcome in ["fwd=miss; stored", "hit; detail=absent"] {
        let response = service.get("/todos/nobody").await;
        assert_eq!(cache_status(&response), outcome);
        assert_eq!(detail(response, 404).await, "Item not found");
    }
}

#[tokio::test]
async fn a_client_that_has_the_todo_gets_304() {
    let service = servers().await;
    service.create("1").await;
    let tag = header(&service.get("/todos/1").await, "etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "strong: {tag}");
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let response = service.request(Method::GET, "/todos/1").header("if-none-match", &known).send().await.unwrap();
        assert_eq!(response.status(), 304, "{known}");
        assert_eq!(header(&response, "etag"), tag);
        assert_eq!(response.text().await.unwrap(), "");
    }
    let other = service.request(Method::GET, "/todos/1").header("if-none-match", "\"other\"").send().await.unwrap();
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn ids_are_limited_to_128_bytes_without_slashes_and_control_characters() {
    let service = embedded().await;
    for good in ["x".repeat(128), "%C3%A4".repeat(64), "a%20b".to_owned(), "%25".to_owned(), "a+b".to_owned()] {
        assert_eq!(service.get(&format!("/todos/{good}")).await.status(), 404, "{good}");
    }
    for (bad, why) in [
        ("x".repeat(129), "128 bytes"),
        ("%C3%A4".repeat(65), "128 bytes"),
        ("a%2Fb".to_owned(), "`/`"),
        ("a%0Ab".to_owned(), "control"),
        ("%00".to_owned(), "control"),
        ("%FF".to_owned(), "UTF-8"),
        ("100%".to_owned(), "two hexadecimal digits"),
        ("%zz".to_owned(), "two hexadecimal digits"),
        ("a%2".to_owned(), "two hexadecimal digits"),
    ] {
        let detail = detail(service.get(&format!("/todos/{bad}")).await, 422).await;
        assert!(detail.starts_with("id: ") && detail.contains(why), "{bad}: {detail}");
    }
}

#[tokio::test]
async fn escapes_in_ids_are_decoded_once() {
    let service = embedded().await;
    for (sent, id) in [("a%20b", "a b"), ("%2525", "%25"), ("a+b", "a+b"), ("%7B%7D", "{}"), ("%C3%A4", "ä")] {
        service.create(id).await;
        let todo: serde_json::Value = service.get(&format!("/todos/{sent}")).await.json().await.unwrap();
        assert_eq!(todo["id"], id, "{sent}");
        let escaped: serde_json::Value = service.get(&format!("/%74odo%73/{sent}")).await.json().await.unwrap();
        assert_eq!(escaped, todo, "with escapes in the folder, too");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_possible_is_said() {
    let service = embedded().await;
    for path in ["/", "/todo/1", "/todos/1/2", "/docs.php"] {
        assert!(detail(service.get(path).await, 404).await.contains(path));
    }
    let response = service.request(Method::POST, "/todos/1").send().await.unwrap();
    assert_eq!(header(&response, "allow"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    assert!(detail(response, 405).await.contains("POST"));
    let response = service.request(Method::PUT, "/todos").send().await.unwrap();
    assert_eq!(header(&response, "allow"), "GET, HEAD, POST, OPTIONS");
}

#[tokio::test]
async fn request_ids_are_kept_or_made() {
    let service = embedded().await;
    let sent = service.request(Method::GET, "/todos/1").header("x-request-id", "my-request").send().await.unwrap();
    assert_eq!(header(&sent, "x-request-id"), "my-request");
    let mut made = std::collections::HashSet::new();
    for _ in 0..100 {
        made.insert(header(&service.get("/livez").await, "x-request-id").to_owned());
    }
    assert_eq!(made.len(), 100);
    let long = service.request(Method::GET, "/livez").header("x-request-id", "x".repeat(129)).send().await.unwrap();
    assert_eq!(header(&long, "x-request-id").len(), 16, "one that is too long is replaced");
}

#[tokio::test]
async fn the_cache_control_of_answers_can_be_set() {
    let service = Service::start(&["--cache-control", "public, max-age=5"]).await;
    service.create("1").await;
    assert_eq!(header(&service.get("/todos/1").await, "cache-control"), "public, max-age=5");
}

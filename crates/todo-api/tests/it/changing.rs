//! PUT, PATCH and DELETE.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Service, cache_status, detail, embedded, header, servers};

const NO_HEADERS: [(&str, &str); 0] = [];

async fn change(service: &Service, method: Method, headers: &[(&str, &str)], body: &str) -> Response {
    let mut request = service.request(method, "/todos/1");
    if headers.iter().all(|(name, _)| *name != "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.to_owned()).send().await.unwrap()
}

async fn now(service: &Service) -> Value {
    service.get("/todos/1").await.json().await.unwrap()
}

async fn tag(service: &Service) -> String {
    header(&service.get("/todos/1").await, "etag").to_owned()
}

#[tokio::test]
async fn a_put_creates_or_replaces_and_the_next_read_is_a_hit_of_it() {
    for service in [servers().await, embedded().await] {
        let created = change(&service, Method::PUT, &NO_HEADERS, r#"{"name":"A"}"#).await;
        assert_eq!((created.status().as_u16(), header(&created, "location")), (201, "/todos/1"));
        let first = header(&created, "etag").to_owned();
        let replaced = change(&service, Method::PUT, &NO_HEADERS, r#"{"id":"1","name":"B","description":"C"}"#).await;
        assert_eq!((replaced.status().as_u16(), cache_status(&replaced).as_str()), (200, "fwd=method; stored"));
        assert_ne!(header(&replaced, "etag"), first);
        let second = header(&replaced, "etag").to_owned();
        assert_eq!(replaced.json::<Value>().await.unwrap(), json!({ "id": "1", "name": "B", "description": "C" }));
        let read = service.get("/todos/1").await;
        assert_eq!((cache_status(&read).as_str(), header(&read, "etag")), ("hit", second.as_str()));
        assert_eq!(service.todos.store_reads(), 0);
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    for service in [servers().await, embedded().await] {
        service.create("1").await;
        let media = [("content-type", "application/merge-patch+json")];
        let patched = change(&service, Method::PATCH, &media, r#"{"name":"$name"}"#).await;
        assert_eq!(patched.status(), 200);
        assert_eq!(patched.json::<Value>().await.unwrap(), json!({ "id": "1", "name": "$name", "description": "B" }));
        let cleared = change(&service, Method::PATCH, &media, r#"{"description":null}"#).await;
        assert_eq!(cleared.status(), 200);
        assert_eq!(now(&service).await, json!({ "id": "1", "name": "$name", "description": null }));
    }
}

#[tokio::test]
async fn a_delete_takes_the_todo_away_and_a_new_create_is_another_version() {
    for service in [servers().await, embedded().await] {
        service.create("1").await;
        let old = tag(&service).await;
        let deleted = change(&service, Method::DELETE, &NO_HEADERS, "").await;
        assert_eq!((deleted.status().as_u16(), deleted.text().await.unwrap()), (204, String::new()));
        let gone = service.get("/todos/1").await;
        assert_eq!(cache_status(&gone), "hit; detail=absent");
        assert_eq!(detail(gone, 404).await, "Item not found");
        assert_eq!(change(&service, Method::DELETE, &NO_HEADERS, "").await.status(), 404);
        service.create("1").await;
        assert_ne!(tag(&service).await, old);
    }
}

#[tokio::test]
async fn what_is_not_there_can_be_neither_patched_nor_deleted() {
    let service = embedded().await;
    for headers in [&NO_HEADERS[..], &[("if-match", "*")], &[("if-match", "\"1-00000000\"")]] {
        let patched = change(&service, Method::PATCH, headers, r#"{"name":"A"}"#).await;
        assert_eq!(detail(patched, 404).await, "Item not found");
        assert_eq!(change(&service, Method::DELETE, headers, "").await.status(), 404);
    }
}

#[tokio::test]
async fn if_match_lets_a_write_through_only_if_the_todo_is_still_the_same() {
    for service in [servers().await, embedded().await] {
        assert_eq!(change(&service, Method::PUT, &[("if-match", "*")], r#"{"name":"A"}"#).await.status(), 412);
        service.create("1").await;
        let first = tag(&service).await;
        let put = change(&service, Method::PUT, &[("if-match", &first)], r#"{"name":"B"}"#).await;
        assert_eq!(put.status(), 200);
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            let late = change(&service, method.clone(), &[("if-match", &first)], r#"{"name":"C"}"#).await;
            assert_eq!(late.status(), 412, "{method}");
        }
        let second = tag(&service).await;
        let weak = format!("W/{second}");
        assert_eq!(change(&service, Method::DELETE, &[("if-match", &weak)], "").await.status(), 412, "strong only");
        assert_eq!(now(&service).await["name"], "B");
        let listed = format!("\"other\", {second}");
        assert_eq!(change(&service, Method::PATCH, &[("if-match", &listed)], r#"{"name":"D"}"#).await.status(), 200);
        assert_eq!(change(&service, Method::PATCH, &[("if-match", "*")], r#"{"name":"E"}"#).await.status(), 200);
        assert_eq!(change(&service, Method::DELETE, &[("if-match", "*")], "").await.status(), 204);
    }
}

#[tokio::test]
async fn if_none_match_star_creates_and_never_replaces() {
    for service in [servers().await, embedded().await] {
        let fresh = [("if-none-match", "*")];
        assert_eq!(change(&service, Method::PUT, &fresh, r#"{"name":"A"}"#).await.status(), 201);
        let taken = change(&service, Method::PUT, &fresh, r#"{"name":"B"}"#).await;
        assert!(detail(taken, 412).await.contains("read it again"));
        assert_eq!(now(&service).await["name"], "A");
    }
}

#[tokio::test]
async fn of_many_writers_with_the_same_tag_one_wins() {
    let service = std::sync::Arc::new(servers().await);
    service.create("1").await;
    let tag = tag(&service).await;
    let writers: Vec<_> = (0..20)
        .map(|n| {
            let (service, tag) = (service.clone(), tag.clone());
            tokio::spawn(async move {
                let body = format!(r#"{{"name":"writer {n}"}}"#);
                change(&service, Method::PUT, &[("if-match", &tag)], &body).await.status().as_u16()
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for writer in writers {
        statuses.push(writer.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1]), (200, 412), "{statuses:?}");
}

#[tokio::test]
async fn conditions_and_bodies_that_make_no_sense_are_said() {
    let service = embedded().await;
    let other = change(&service, Method::PUT, &NO_HEADERS, r#"{"id":"2","name":"A"}"#).await;
    assert!(detail(other, 422).await.starts_with("id: "));
    let other = change(&service, Method::PATCH, &NO_HEADERS, r#"{"id":"2"}"#).await;
    assert!(detail(other, 422).await.starts_with("id: "));
    assert!(detail(change(&service, Method::PATCH, &NO_HEADERS, r#"{"name":null}"#).await, 422).await.contains("name"));
    assert!(detail(change(&service, Method::PUT, &NO_HEADERS, "{").await, 400).await.contains("JSON"));
}

#[tokio::test]
async fn a_patch_that_changes_nothing_makes_no_new_version() {
    for service in [servers().await, embedded().await] {
        service.create("1").await;
        let before = tag(&service).await;
        for body in
            ["{}", r#"{"nmae":"X"}"#, r#"{"id":"1"}"#, r#"{"name":"A"}"#, r#"{"name":"A","description":"B","x":1}"#]
        {
            for headers in [vec![], vec![("if-match", before.as_str())], vec![("if-match", "*")]] {
                let patched = change(&service, Method::PATCH, &headers, body).await;
                assert_eq!((patched.status().as_u16(), header(&patched, "etag")), (200, before.as_str()), "{body}");
                assert_eq!(cache_status(&patched), "fwd=method; detail=unchanged");
                let todo: Value = patched.json().await.unwrap();
                assert_eq!(todo, json!({ "id": "1", "name": "A", "description": "B" }));
            }
            let stale = change(&service, Method::PATCH, &[("if-match", "\"7-00000000\"")], body).await;
            assert_eq!(stale.status(), 412, "{body}");
            assert_eq!(tag(&service).await, before, "{body}");
        }
        assert_eq!(change(&service, Method::PATCH, &NO_HEADERS, r#"{"description":null}"#).await.status(), 200);
        let cleared = tag(&service).await;
        assert_ne!(cleared, before);
        let again = change(&service, Method::PATCH, &NO_HEADERS, r#"{"description":null}"#).await;
        assert_eq!(header(&again, "etag"), cleared);
    }
}

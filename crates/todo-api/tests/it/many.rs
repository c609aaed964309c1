//! `GET /todos?ids=…`.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Service, cache_status, detail, embedded, header, servers};

async fn get(service: &Service, ids: &str) -> Response {
    service.get(&format!("/todos?ids={ids}")).await
}

async fn with(service: &Service, ids: &str, name: &str, value: &str) -> Response {
    service.request(Method::GET, &format!("/todos?ids={ids}")).header(name, value).send().await.unwrap()
}

fn statuses(members: &Value) -> Vec<u64> {
    members.as_array().unwrap().iter().map(|member| member["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn many_todos_are_answered_in_the_order_asked_for_each_with_status_and_tag() {
    for service in [servers().await, embedded().await] {
        for id in ["1", "2", "a,b", "ä }"] {
            service.create(id).await;
        }
        let answer = get(&service, "2,nobody,1,2,a%2Cb,%C3%A4%20%7D").await;
        assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, "application/json"));
        assert_eq!(cache_status(&answer), "fwd=miss; detail=\"hit=5 miss=1\"");
        let text = answer.text().await.unwrap();
        assert!(text.starts_with(r#"[{"id":"2","status":200,"etag":"\""#), "{text}");
        let members: Value = serde_json::from_str(&text).unwrap();
        for (at, id) in ["2", "nobody", "1", "2", "a,b", "ä }"].iter().enumerate() {
            let alone = service.get(&format!("/todos/{}", id.replace(' ', "%20"))).await;
            let (status, tag) = (alone.status().as_u16(), header(&alone, "etag").to_owned());
            let expected = match status {
                200 => json!({ "id": id, "status": 200, "etag": tag, "todo": alone.json::<Value>().await.unwrap() }),
                _ => json!({ "id": id, "status": 404, "etag": null, "todo": null }),
            };
            assert_eq!(members[at], expected);
        }
        assert_eq!(cache_status(&get(&service, "1,2,nobody").await), "hit; detail=\"hit=3\"");
        let tag = members[0]["etag"].as_str().unwrap();
        let guarded = service.request(Method::DELETE, "/todos/2").header("if-match", tag).send().await.unwrap();
        assert_eq!(guarded.status(), 204, "the tag is one that If-Match takes");
        assert_eq!(statuses(&get(&service, "1,2").await.json().await.unwrap()), [200, 404]);
    }
}

#[tokio::test]
async fn a_cache_that_is_off_is_counted_as_bypass() {
    let service = Service::start(&["--cache", "none:"]).await;
    service.create("1").await;
    let answer = get(&service, "1,2").await;
    assert_eq!(cache_status(&answer), "fwd=bypass; detail=\"bypass=2\"");
    assert_eq!(statuses(&answer.json().await.unwrap()), [200, 404]);
}

#[tokio::test]
async fn up_to_100_ids_are_answered_also_through_head_and_with_the_other_path() {
    let service = embedded().await;
    let ids = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(statuses(&get(&service, &ids(100)).await.json().await.unwrap()), vec![404; 100]);
    let long = vec!["%C3%A4".repeat(64); 100].join(",");
    assert_eq!(statuses(&get(&service, &long).await.json().await.unwrap()), vec![404; 100]);
    let too_many = detail(get(&service, &ids(101)).await, 400).await;
    assert!(too_many.contains("at most 100") && too_many.contains("101"), "{too_many}");
    for path in ["/todos?ids=1&ids=2,3", "/todos/?ids=1,2,3", "/todos?x=1&ids=1,2&ids=3"] {
        assert_eq!(statuses(&service.get(path).await.json().await.unwrap()), [404; 3], "{path}");
    }
    let head = service.request(Method::HEAD, "/todos?ids=1").send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.text().await.unwrap().as_str()), (200, ""));
}

#[tokio::test]
async fn ids_that_are_none_are_said_with_their_place() {
    let service = embedded().await;
    for path in [
        "/todos",
        "/todos/",
        "/todos?",
        "/todos?ids",
        "/todos?ids=",
        "/todos?ids=&ids=",
        "/todos?id=1",
        "/todos?page=2",
    ] {
        let said = detail(service.get(path).await, 400).await;
        assert!(said.contains("/todos?ids=1,2,3"), "{path}: {said}");
    }
    let (long, parent) = ("x".repeat(129), "..");
    for (ids, place, why) in [
        (",", 1, "empty"),
        ("1,", 2, "empty"),
        ("1,,3", 2, "empty"),
        ("1,2,a%2Fb", 3, "`/`"),
        ("%00,2", 1, "control"),
        ("1,%FF", 2, "UTF-8"),
        ("1,100%", 2, "two hexadecimal digits"),
        (long.as_str(), 1, "128 bytes"),
        (parent, 1, "`..`"),
    ] {
        let said = detail(get(&service, ids).await, 422).await;
        assert!(said.starts_with(&format!("ids: number {place} must")) && said.contains(why), "{ids}: {said}");
    }
    assert_eq!(
        service.request(Method::POST, "/todos?ids=1").json(&json!({ "name": "A" })).send().await.unwrap().status(),
        201
    );
}

#[tokio::test]
async fn steering_headers_hold_for_many_as_for_one() {
    for service in [servers().await, embedded().await] {
        service.create("1").await;
        let cached = with(&service, "1,2", "cache-control", "only-if-cached").await;
        assert_eq!(cache_status(&cached), "hit; detail=\"hit=1 failed=1\"");
        assert_eq!(statuses(&cached.json().await.unwrap()), [200, 504]);
        detail(with(&service, "2,3", "cache-control", "only-if-cached").await, 504).await;
        let before = service.todos.store_reads();
        let fresh = with(&service, "1", "cache-control", "no-cache").await;
        assert_eq!(cache_status(&fresh), "fwd=miss; detail=\"miss=1\"");
        assert!(service.todos.store_reads() > before);
        let tag = header(&service.get("/todos/1").await, "etag").trim_matches('"').to_owned();
        let version = tag.split('-').next().unwrap();
        assert_eq!(statuses(&with(&service, "1", "min-version", version).await.json().await.unwrap()), [200]);
        detail(with(&service, "1,1", "min-version", "9007199254740991").await, 503).await;
        detail(with(&service, "1", "min-version", "").await, 400).await;
        detail(with(&service, "1", "cache-control", "x=\"").await, 400).await;
    }
}

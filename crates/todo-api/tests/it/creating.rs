//! POST.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{cache_status, detail, embedded, header, servers};

#[tokio::test]
async fn a_create_answers_201_with_the_todo_and_where_it_is() {
    for path in ["/todos", "/todos/"] {
        let service = servers().await;
        let todo = json!({ "id": "a b/ä".replace('/', "-"), "name": "A", "description": "B" });
        let created = service.request(Method::POST, path).json(&todo).send().await.unwrap();
        assert_eq!(created.status(), 201);
        assert_eq!(cache_status(&created), "fwd=method; stored");
        let (tag, location) = (header(&created, "etag").to_owned(), header(&created, "location").to_owned());
        assert_eq!(location, "/todos/a%20b-%C3%A4");
        assert_eq!(created.json::<Value>().await.unwrap(), todo);
        let found = service.get(&location).await;
        assert_eq!(header(&found, "etag"), tag);
        assert_eq!(found.json::<Value>().await.unwrap(), todo);
    }
}

#[tokio::test]
async fn an_id_that_is_taken_is_409_and_the_todo_stays() {
    for service in [servers().await, embedded().await] {
        service.create("1").await;
        let again = service.post(r#"{"id":"1","name":"other"}"#).await;
        assert!(detail(again, 409).await.contains('1'));
        let todo: Value = service.get("/todos/1").await.json().await.unwrap();
        assert_eq!(todo["name"], "A");
    }
}

#[tokio::test]
async fn without_an_id_the_server_makes_one() {
    let service = embedded().await;
    let mut ids = std::collections::HashSet::new();
    for body in [r#"{"name":"A"}"#, r#"{"id":null,"name":"A"}"#] {
        let created = service.post(body).await;
        assert_eq!(created.status(), 201);
        let location = header(&created, "location").to_owned();
        let todo: Value = created.json().await.unwrap();
        let id = todo["id"].as_str().unwrap().to_owned();
        assert_eq!(id.len(), 36, "a UUID");
        assert_eq!(location, format!("/todos/{id}"));
        assert_eq!(service.get(&location).await.status(), 200);
        assert!(ids.insert(id));
    }
}

#[tokio::test]
async fn a_create_ends_a_remembered_absence() {
    for service in [servers().await, embedded().await] {
        assert_eq!(service.get("/todos/1").await.status(), 404);
        assert_eq!(service.get("/todos/1").await.status(), 404);
        service.create("1").await;
        assert_eq!(service.get("/todos/1").await.status(), 200);
    }
}

#[tokio::test]
async fn of_many_concurrent_creates_of_one_id_one_is_made() {
    let service = std::sync::Arc::new(servers().await);
    let creates: Vec<_> = (0..50)
        .map(|n| {
            let service = service.clone();
            tokio::spawn(async move { service.post(format!(r#"{{"id":"1","name":"{n}"}}"#)).await.status().as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for create in creates {
        statuses.push(create.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 49);
}

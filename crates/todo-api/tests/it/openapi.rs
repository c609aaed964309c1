//! The OpenAPI document is one, and it and the service say the same.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use todo_api::http::routes::{Parts, Resource, resources};
use todo_model::{NewTodo, Todo, TodoId, TodoPatch};

use crate::documented::Document;
use crate::program::{Program, ask};
use crate::support::{Service, embedded, header};

#[tokio::test]
async fn the_document_is_openapi_3_1_and_its_schemas_and_examples_fit() {
    let service = embedded().await;
    let document = Document::of(&service).await;
    let read = oas3::from_json(&document.text).expect("the document is OpenAPI 3.1");
    assert!(read.validate_version().is_ok_and(|version| (version.major, version.minor) == (3, 1)));
    let names: Vec<_> = read.operations().filter_map(|(_, _, operation)| operation.operation_id.clone()).collect();
    assert_eq!(names.len(), read.operations().count());
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");

    for schema in document.json["components"]["schemas"].as_object().unwrap().values() {
        document.validator(schema);
    }
    let mut examples = 0;
    walk(&document.json, &mut |value| {
        let Some(schema) = value.get("schema") else { return };
        let validator = document.validator(schema);
        let named = value.get("examples").and_then(Value::as_object);
        let named = named.into_iter().flat_map(|all| all.values()).map(|one| &document.resolve(one)["value"]);
        for example in named.chain(value.get("example")) {
            assert!(validator.is_valid(example), "{example} does not fit {schema}");
            examples += 1;
        }
    });
    assert!(examples > 100, "{examples}");
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|field| walk(field, visit)),
        Value::Array(members) => members.iter().for_each(|member| walk(member, visit)),
        _ => {}
    }
}

#[tokio::test]
async fn every_route_is_in_the_document_and_the_document_has_no_other() {
    let all = Parts { metrics: true, docs: true, live: true };
    for (flags, expected) in [
        (&[][..], resources(all)),
        (&["--metrics-listen", "127.0.0.1:0"][..], resources(Parts { metrics: false, ..all })),
        (&["--live", "off"][..], resources(Parts { live: false, ..all })),
    ] {
        let service = Service::start(flags).await;
        let document = Document::of(&service).await;
        let of = |resource: &Resource| {
            let methods: Vec<_> = resource.methods().iter().map(|method| method.to_string()).collect();
            let paths = resource.paths().iter().map(|path| (*path).to_owned());
            paths
                .flat_map(|path| methods.iter().map(move |method| (path.clone(), method.clone())).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let known: BTreeSet<(String, String)> = expected.iter().flat_map(of).collect();
        let described = document.operations().into_iter().filter(|(_, method)| *method != Method::OPTIONS);
        let described = described.map(|(path, method)| (path.to_owned(), method.to_string())).collect();
        assert_eq!(known, described);

        for (path, method) in document.operations() {
            let at = path.replace("{id}", "1");
            let options = service.request(Method::OPTIONS, &at).send().await.unwrap();
            let allowed: BTreeSet<&str> = header(&options, "allow").split(", ").collect();
            let methods = document.operations().into_iter().filter(|(other, _)| *other == path);
            let methods: Vec<String> = methods.map(|(_, method)| method.to_string()).collect();
            assert_eq!(allowed, methods.iter().map(String::as_str).collect(), "{path}");
            let answer = service.request(method.clone(), &at).send().await.unwrap();
            assert_ne!(answer.status(), 405, "{method} {path}");
            // That there is no such todo is said of a path that is there.
            assert!(answer.status() != 404 || path.contains("{id}"), "{method} {path}");
            document.check(path, &method, answer).await;
        }
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_answered_as_the_document_says() {
    let service = embedded().await;
    let document = Document::of(&service).await;
    for (method, path, name) in
        [(Method::GET, "/todo", "NoSuchResource"), (Method::DELETE, "/livez", "MethodNotAllowed")]
    {
        let answer = service.request(method, path).send().await.unwrap();
        let described = &document.json["components"]["responses"][name];
        let example = document.resolve(&described["content"]["application/problem+json"]["examples"][name]);
        assert_eq!(answer.status().as_u16(), example["value"]["status"]);
        assert_eq!(described["headers"].get("Allow").is_some(), answer.headers().contains_key("allow"));
    }
}

#[tokio::test]
async fn answers_are_those_that_the_document_names() {
    let service = Service::start(&["--audit-rate", "1/s"]).await;
    let document = Document::of(&service).await;
    let todo = r#"{"id":"1","name":"A","description":"B"}"#;
    let new = r#"{"name":"A"}"#;
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(200_000));
    let (merge, json_type) = ("application/merge-patch+json", "application/json");
    let many = format!("/todos?ids={}", vec!["1"; 101].join(","));
    let post = |body, status| (Method::POST, "/todos", vec![("content-type", json_type)], body, status);
    type Case<'a> = (Method, &'a str, Vec<(&'a str, &'a str)>, &'a str, u16);
    let cases: Vec<Case<'_>> = vec![
        post(todo, 201),
        post(todo, 409),
        post("{", 400),
        post("[]", 422),
        post("{}", 422),
        post(&long, 413),
        (Method::POST, "/todos/", vec![("content-type", json_type)], new, 201),
        (Method::POST, "/todos/", vec![("content-type", "text/plain")], new, 415),
        (Method::POST, "/todos", vec![("content-type", json_type), ("content-encoding", "br")], new, 415),
        (Method::POST, "/todos", vec![("content-type", json_type), ("if-match", "*")], new, 412),
        (Method::POST, "/todos", vec![("content-type", json_type), ("if-match", "")], new, 400),
        (Method::GET, "/todos/1", vec![], "", 200),
        (Method::HEAD, "/todos/1", vec![], "", 200),
        (Method::GET, "/todos/1", vec![("if-none-match", "*")], "", 304),
        (Method::HEAD, "/todos/1", vec![("if-none-match", "*")], "", 304),
        (Method::GET, "/todos/1", vec![("if-match", "\"other\"")], "", 412),
        (Method::GET, "/todos/1", vec![("if-match", "other")], "", 400),
        (Method::GET, "/todos/1", vec![("cache-control", "no-cache")], "", 200),
        (Method::GET, "/todos/1", vec![("cache-control", "=")], "", 400),
        (Method::GET, "/todos/1", vec![("min-version", "9007199254740991")], "", 503),
        (Method::GET, "/todos/1", vec![("min-version", "x")], "", 400),
        (Method::GET, "/todos/2", vec![("cache-control", "only-if-cached")], "", 504),
        (Method::GET, "/todos/2", vec![], "", 404),
        (Method::HEAD, "/todos/2", vec![], "", 404),
        (Method::GET, "/todos/a%2Fb", vec![], "", 422),
        (Method::GET, "/todos?ids=1,2", vec![], "", 200),
        (Method::HEAD, "/todos?ids=1,2", vec![], "", 200),
        (Method::GET, "/todos/?ids=1&ids=2", vec![], "", 200),
        (Method::GET, "/todos", vec![], "", 400),
        (Method::GET, &many, vec![], "", 400),
        (Method::GET, "/todos?ids=1,a%2Fb", vec![], "", 422),
        (Method::GET, "/todos?ids=3", vec![("cache-control", "only-if-cached")], "", 504),
        (Method::GET, "/todos?ids=1", vec![("min-version", "9007199254740991")], "", 503),
        (Method::PUT, "/todos/1", vec![("content-type", json_type)], new, 200),
        (Method::PUT, "/todos/4", vec![("content-type", json_type)], new, 201),
        (Method::PUT, "/todos/5", vec![("content-type", json_type)], todo, 422),
        (Method::PUT, "/todos/5", vec![("content-type", json_type), ("if-match", "*")], new, 412),
        (Method::PUT, "/todos/5", vec![("content-type", merge)], new, 415),
        (Method::PUT, "/todos/5", vec![("content-type", json_type)], "{", 400),
        (Method::PUT, "/todos/5", vec![("content-type", json_type)], &long, 413),
        (Method::PATCH, "/todos/1", vec![("content-type", merge)], r#"{"name":"C"}"#, 200),
        (Method::PATCH, "/todos/1", vec![("content-type", merge)], r#"{"name":"C"}"#, 200),
        (Method::PATCH, "/todos/1", vec![("content-type", json_type)], r#"{"name":null}"#, 422),
        (Method::PATCH, "/todos/1", vec![("content-type", "text/plain")], new, 415),
        (Method::PATCH, "/todos/1", vec![("content-type", merge), ("if-none-match", "*")], new, 412),
        (Method::PATCH, "/todos/2", vec![("content-type", merge)], new, 404),
        (Method::PATCH, "/todos/1", vec![("content-type", merge)], &long, 413),
        (Method::DELETE, "/todos/1", vec![("if-match", "\"other\"")], "", 412),
        (Method::DELETE, "/todos/1", vec![("if-match", "other")], "", 400),
        (Method::DELETE, "/todos/1", vec![], "", 204),
        (Method::DELETE, "/todos/1", vec![], "", 404),
        (Method::DELETE, "/todos/a%2Fb", vec![], "", 422),
        (Method::GET, "/livez", vec![], "", 200),
        (Method::GET, "/readyz", vec![], "", 200),
        (Method::GET, "/metrics", vec![], "", 200),
        (Method::GET, "/metrics", vec![("accept", "application/openmetrics-text")], "", 200),
        (Method::GET, "/openapi.json", vec![], "", 200),
        (Method::GET, "/docs", vec![], "", 200),
        (Method::GET, "/live", vec![], "", 200),
        (Method::HEAD, "/live", vec![("accept", "text/event-stream")], "", 200),
        (Method::GET, "/live/cells/1", vec![], "", 200),
        (Method::GET, "/live/cells/a%2Fb", vec![], "", 422),
        (Method::DELETE, "/live/cells/1", vec![], "", 204),
        (Method::DELETE, "/live/cells/a%2Fb", vec![], "", 422),
        (Method::OPTIONS, "/todos/1", vec![], "", 204),
    ];
    for (method, path, headers, body, status) in cases {
        let mut request = service.request(method.clone(), path).body(body.to_owned());
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path} {headers:?} {body}");
        let path = path.split('?').next().unwrap();
        let template = match path.rsplit_once('/') {
            Some(("/todos", id)) if !id.is_empty() => "/todos/{id}",
            Some(("/live/cells", _)) => "/live/cells/{id}",
            _ => path,
        };
        document.check(template, &method, answer).await;
    }
}

#[test]
fn refusals_from_below_http_are_in_the_document_for_every_operation() {
    let program = Program::start(&[]);
    let document: Value =
        serde_json::from_str(&ask(&mut program.connect(), "GET /openapi.json HTTP/1.1\r\nhost: t\r\n\r\n").body)
            .unwrap();
    let long = "x".repeat(200_000);
    let large = format!("GET / HTTP/1.1\r\nhost: t\r\nx: {long}\r\n\r\n");
    let long_line = format!("GET /{} HTTP/1.1\r\nhost: t\r\n\r\n", &long[..70_000]);
    for sent in [
        "GET / HTTP/1.1\r\nx y\r\n\r\n",
        &large,
        &long_line,
        "GET / HTTP/3.0\r\nhost: t\r\n\r\n",
        "POST /todos HTTP/1.0\r\n\r\n",
        "POST /todos HTTP/1.1\r\nhost: t\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ] {
        let answer = ask(&mut program.connect(), sent);
        answer.problem();
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values().filter(|value| value.is_object()) {
                let described = &operation["responses"][answer.status().to_string()];
                assert!(described.is_object(), "{} of {}", answer.status(), operation["operationId"]);
            }
        }
    }
}

#[tokio::test]
async fn bodies_and_ids_fit_the_schemas_exactly_if_the_service_takes_them() {
    let service = embedded().await;
    let document = Document::of(&service).await;
    let of = |name: &str| document.validator(&json!({ "$ref": format!("#/components/schemas/{name}") }));
    let (new, patch, id) = (of("NewTodo"), of("TodoPatch"), of("TodoId"));
    let name = |count: usize| "ü".repeat(count);
    let bodies = [
        json!({}),
        json!([]),
        json!(null),
        json!({ "name": "" }),
        json!({ "name": null }),
        json!({ "name": 5 }),
        json!({ "name": "A", "other": [1] }),
        json!({ "name": name(Todo::MAX_NAME_CHARS) }),
        json!({ "name": name(Todo::MAX_NAME_CHARS + 1) }),
        json!({ "name": "A", "description": null }),
        json!({ "name": "A", "description": 1 }),
        json!({ "name": "A", "description": "" }),
        json!({ "name": "A", "description": name(Todo::MAX_DESCRIPTION_CHARS) }),
        json!({ "name": "A", "description": name(Todo::MAX_DESCRIPTION_CHARS + 1) }),
        json!({ "description": null }),
    ];
    for body in &bodies {
        let bytes = serde_json::to_vec(body).unwrap();
        assert_eq!(new.is_valid(body), NewTodo::from_json(&bytes).is_ok(), "{body}");
        assert_eq!(patch.is_valid(body), TodoPatch::from_json(&bytes).is_ok(), "{body}");
    }
    let long = |count: usize| "x".repeat(count);
    let ids = [
        "",
        "1",
        ".",
        "..",
        "...",
        ".a",
        "a/b",
        "/",
        "a b",
        "ü",
        "\u{0}",
        "a\nb",
        "\n",
        "\u{7f}",
        "\u{9f}",
        "\u{a0}",
        "%2F",
        "😀",
        &long(TodoId::MAX_BYTES),
        &long(TodoId::MAX_BYTES + 1),
    ];
    for text in ids {
        let body = json!({ "id": text, "name": "A" });
        assert_eq!(id.is_valid(&text.into()), text.parse::<TodoId>().is_ok(), "{text:?}");
        let is_taken = NewTodo::from_json(&serde_json::to_vec(&body).unwrap()).is_ok();
        assert_eq!(new.is_valid(&body), is_taken, "{text:?}");
    }
}

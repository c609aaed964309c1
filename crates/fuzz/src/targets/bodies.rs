//! Any bytes as the body of a write, plain and gzip: refused, or a todo within its limits that is read back as itself.

use actix_web::test::TestRequest;
use todo_api::http::body;
use todo_model::{NewTodo, Todo, TodoId, TodoPatch};

pub(super) fn run(bytes: &[u8]) {
    for coding in ["identity", "gzip"] {
        let headers = [("content-type", "application/json"), ("content-encoding", coding)];
        let request = headers.into_iter().fold(TestRequest::put(), TestRequest::insert_header).to_http_request();
        if let Ok(json) = body::json(&request, Ok(bytes.to_vec().into())) {
            assert!(json.len() <= body::MAX_BODY_BYTES.max(bytes.len()));
            read(&json);
        }
    }
}

fn read(json: &[u8]) {
    let id: TodoId = "1".parse().expect("a digit is an id");
    if let Ok(new) = NewTodo::from_json(json) {
        check(&new.into_todo(|| id.clone()));
    }
    if let Ok(patch) = TodoPatch::from_json(json) {
        check(&patch.apply(Todo { id, name: "A".to_owned(), description: None }));
    }
}

fn check(todo: &Todo) {
    assert!(todo.check().is_ok(), "{todo:?} was taken");
    assert_eq!(serde_json::from_slice::<Todo>(&todo.to_json()).ok().as_ref(), Some(todo));
}

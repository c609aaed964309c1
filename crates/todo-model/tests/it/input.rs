//! Bodies.

use todo_model::{InputError, NewTodo, Todo, TodoPatch};

fn field(error: InputError) -> &'static str {
    match error {
        InputError::Field(error) => error.field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_json_and_what_is_no_object_are_told_apart() {
    assert!(matches!(NewTodo::from_json(b"{"), Err(InputError::Syntax(_))));
    for (body, found) in [("[]", "an array"), ("7", "a number"), ("null", "null"), ("true", "a boolean")] {
        assert_eq!(NewTodo::from_json(body.as_bytes()), Err(InputError::NotAnObject(found)));
        assert_eq!(TodoPatch::from_json(body.as_bytes()), Err(InputError::NotAnObject(found)));
    }
}

#[test]
fn a_field_that_is_wrong_is_named() {
    for (body, name) in [
        (r#"{}"#, "name"),
        (r#"{"name":null}"#, "name"),
        (r#"{"name":""}"#, "name"),
        (r#"{"name":"A","id":7}"#, "id"),
        (r#"{"name":"A","id":"/"}"#, "id"),
        (r#"{"name":"A","description":false}"#, "description"),
    ] {
        assert_eq!(field(NewTodo::from_json(body.as_bytes()).unwrap_err()), name, "{body}");
    }
}

#[test]
fn unknown_fields_are_ignored_and_null_is_no_description() {
    let new = NewTodo::from_json(br#"{"name":"A","description":null,"done":true}"#).unwrap();
    let todo = new.into_todo(|| "made".parse().unwrap());
    assert_eq!(todo.to_json(), br#"{"id":"made","name":"A","description":null}"#);
}

#[test]
fn a_patch_names_removes_or_leaves() {
    let todo = Todo { id: "1".parse().unwrap(), name: "A".into(), description: Some("B".into()) };
    let apply = |body: &str| TodoPatch::from_json(body.as_bytes()).unwrap().apply(todo.clone());
    assert_eq!(apply("{}"), todo);
    assert_eq!(apply(r#"{"name":"C"}"#).name, "C");
    assert_eq!(apply(r#"{"description":null}"#).description, None);
    assert_eq!(apply(r#"{"description":"D","name":"C"}"#).description.as_deref(), Some("D"));
    assert_eq!(field(TodoPatch::from_json(br#"{"name":null}"#).unwrap_err()), "name");
}

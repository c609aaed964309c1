//! Problem documents: an error of each kind, written by the code that writes them in answers, and the operations that can
//! end in it.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::http::Method;
use actix_web::http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};
use todo_model::{NewTodo, TodoId, TodoPatch};
use todo_store::{Cause, StoreError};

use super::operation::Operation;
use super::{headers, refusals};
use crate::entity_tag::TagListError;
use crate::http::error::{ApiError, READ_IT_AGAIN, TokenProblem};
use crate::http::list::MAX_IDS;

/// A problem document with what goes before it.
pub(super) struct Problem {
    /// Name of the example.
    pub(super) name: &'static str,
    pub(super) status: u16,
    /// Names of its headers, besides those that every answer has.
    pub(super) headers: Vec<&'static str>,
    pub(super) body: Value,
}

/// Whether the operation can end in such an error. It says so of every kind there is: a new one belongs into [`samples`], too.
fn can_end_in(operation: Operation, error: &ApiError) -> bool {
    match error {
        ApiError::Input(_)
        | ApiError::Body(_)
        | ApiError::TooLarge
        | ApiError::MediaType { .. }
        | ApiError::ContentCoding(_) => operation.has_body(),
        ApiError::MinVersion | ApiError::CacheControl | ApiError::TooOld | ApiError::NotCached => operation.reads(),
        ApiError::EntityTags { .. } | ApiError::PreconditionFailed(_) => {
            operation.writes() || operation == Operation::Read
        }
        ApiError::NotFound => matches!(operation, Operation::Read | Operation::Patch | Operation::Delete),
        ApiError::Exists(_) => operation == Operation::Create,
        ApiError::KeyTaken(_) => matches!(operation, Operation::Create | Operation::Replace),
        ApiError::Id(_) => operation.is_of_one() || operation.is_of_cell(),
        ApiError::Ids(_) | ApiError::IdInList { .. } => operation == Operation::ReadMany,
        ApiError::NotATodo { .. } => operation.is_of_one() || operation.reads(),
        ApiError::Unavailable(_) | ApiError::Failed(_) => operation.reads() || operation.writes(),
        ApiError::Overloaded | ApiError::TooManyRequests { .. } => {
            operation.reads() || operation.writes() || operation == Operation::Forget
        }
        ApiError::UnknownOutcome(_) => operation.writes(),
        ApiError::Token(_) => operation.writes() || operation == Operation::Forget,
        ApiError::CacheAway => operation == Operation::Forget,
        ApiError::TooManyViewers => operation == Operation::Live,
        ApiError::NoSuchResource(_) | ApiError::MethodNotAllowed { .. } => false,
    }
}

/// At least one error of each kind, each under a name.
fn samples(method: &Method) -> Vec<(&'static str, ApiError)> {
    let cause = || -> Cause { Arc::new(std::io::Error::from(std::io::ErrorKind::TimedOut)) };
    let id = || TodoId::try_from("4711".to_owned()).expect("four digits are an id");
    let not_json = NewTodo::from_json(b"{").expect_err("a brace is no JSON");
    let no_object = NewTodo::from_json(b"[]").expect_err("an array is no todo");
    let no_name = NewTodo::from_json(b"{}").expect_err("a todo has a name");
    let empty_name = TodoPatch::from_json(br#"{"name":""}"#).expect_err("a name is not empty");
    let no_id = TodoId::try_from("a/b".to_owned()).expect_err("an id has no slash").problem;
    let too_long = TodoId::try_from("x".repeat(TodoId::MAX_BYTES + 1)).expect_err("an id is not as long").problem;
    vec![
        ("NotJson", not_json.into()),
        ("NoObject", no_object.into()),
        if *method == Method::PATCH { ("EmptyName", empty_name.into()) } else { ("NoName", no_name.into()) },
        ("UnreadableBody", ApiError::Body("it ended before it was complete".to_owned())),
        ("MinVersion", ApiError::MinVersion),
        ("CacheControl", ApiError::CacheControl),
        ("IfMatchEmpty", ApiError::EntityTags { field: "If-Match", problem: TagListError::Empty }),
        ("IfNoneMatchSyntax", ApiError::EntityTags { field: "If-None-Match", problem: TagListError::Syntax }),
        ("NoToken", ApiError::Token(TokenProblem::Missing)),
        ("WrongToken", ApiError::Token(TokenProblem::Wrong)),
        ("NotFound", ApiError::NotFound),
        ("NoSuchResource", ApiError::NoSuchResource("/todo".to_owned())),
        (
            "MethodNotAllowed",
            ApiError::MethodNotAllowed { method: "POST".to_owned(), allowed: vec![Method::GET, Method::HEAD] },
        ),
        ("Exists", ApiError::Exists(id().to_string())),
        ("KeyTaken", ApiError::KeyTaken(StoreError::KeyTaken(id()))),
        ("PreconditionFailed", ApiError::PreconditionFailed(READ_IT_AGAIN)),
        ("TooLarge", ApiError::TooLarge),
        match *method {
            Method::PATCH => ("NoPatch", media_type(method)),
            _ => ("NoJson", media_type(method)),
        },
        ("ContentCoding", ApiError::ContentCoding("br".to_owned())),
        ("NoId", ApiError::Id(no_id)),
        ("TooManyIds", ApiError::Ids(format!("must be at most {MAX_IDS}, are {}", MAX_IDS + 1))),
        ("NoIdInList", ApiError::IdInList { position: 2, problem: too_long }),
        ("NotATodo", ApiError::NotATodo { id: id().to_string(), problem: "name must be a string".to_owned() }),
        ("Unavailable", ApiError::Unavailable(cause())),
        ("Overloaded", ApiError::Overloaded),
        ("TooManyRequests", ApiError::TooManyRequests { seconds: 1 }),
        ("TooOld", ApiError::TooOld),
        ("NotCached", ApiError::NotCached),
        ("UnknownOutcome", ApiError::UnknownOutcome(StoreError::UnknownOutcome(cause()))),
        ("CacheAway", ApiError::CacheAway),
        ("TooManyViewers", ApiError::TooManyViewers),
        ("Failed", ApiError::Failed(None)),
    ]
}

fn media_type(method: &Method) -> ApiError {
    ApiError::MediaType { sent: Some("text/plain".to_owned()), method: method.clone() }
}

/// Every problem that an operation can end in.
pub(super) fn of(operation: Operation, method: &Method) -> Vec<Problem> {
    samples(method).into_iter().filter(|(_, error)| can_end_in(operation, error)).map(written).collect()
}

/// Problems of paths and methods that are not there.
pub(super) fn elsewhere() -> Vec<Problem> {
    let is_elsewhere =
        |error: &ApiError| matches!(error, ApiError::NoSuchResource(_) | ApiError::MethodNotAllowed { .. });
    samples(&Method::GET).into_iter().filter(|(_, error)| is_elsewhere(error)).map(written).collect()
}

/// Every problem document as an example.
pub(super) fn examples() -> Value {
    let methods = [Method::POST, Method::PATCH];
    let all = methods.iter().flat_map(samples).map(written).chain(refusals::all());
    all.map(|problem| (problem.name.to_owned(), json!({ "summary": problem.body["detail"], "value": problem.body })))
        .collect::<Map<_, _>>()
        .into()
}

/// The error as it is answered.
fn written((name, error): (&'static str, ApiError)) -> Problem {
    let response = error.response();
    let names = response.headers().keys().filter(|name| **name != CONTENT_TYPE);
    let headers = names.map(|name| headers::canonical(name.as_str())).collect();
    let status = response.status().as_u16();
    let body = response.into_body().try_into_bytes().expect("problem documents are written whole");
    Problem { name, status, headers, body: serde_json::from_slice(&body).expect("problem documents are JSON") }
}

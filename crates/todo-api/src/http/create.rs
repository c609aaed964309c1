//! `POST /todos/` and `/todos`.

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use cache_aside::Written;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use todo_model::{NewTodo, TodoId};

use crate::entity_tag::EntityTag;
use crate::http::Worker;
use crate::http::cache_status::{self, CACHE_STATUS};
use crate::http::error::ApiError;
use crate::http::etag;
use crate::http::reply::Reply;
use crate::http::request::expect_json;
use crate::precondition::Verdict;

/// What needs no escape in a path segment (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// 201 with the todo and where it is, 409 if the id is taken.
pub async fn create(
    request: HttpRequest,
    worker: web::Data<Worker>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/todos/");
    let created = write(&request, &worker, body).await;
    reply.send(created)
}

async fn write(
    request: &HttpRequest,
    worker: &Worker,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    // There is nothing to compare with: a collection has no tag, so `If-Match` is false and `If-None-Match` true.
    if etag::preconditions(request.headers())?.evaluate(None) != Verdict::Hold {
        return Err(ApiError::PreconditionFailed("If-Match holds for no todo that is still to be created"));
    }
    expect_json(request)?;
    let new = NewTodo::from_json(&body.map_err(unreadable)?)?;
    let (id, written) = worker.todos.create(new).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, location(&id)));
    Ok(with_todo(response, written))
}

/// The todo as it was written.
pub(crate) fn with_todo(mut response: HttpResponseBuilder, written: Written<bool>) -> HttpResponse {
    let body = written.body.unwrap_or_default();
    response
        .insert_header((ETAG, etag::header_value(&EntityTag::of(written.version, &body))))
        .insert_header((CACHE_STATUS, cache_status::of_write(written.published)))
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(body)
}

pub(crate) fn location(id: &TodoId) -> String {
    format!("/todos/{}", utf8_percent_encode(id.as_str(), SEGMENT))
}

pub(crate) fn unreadable(error: actix_web::Error) -> ApiError {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => ApiError::TooLarge,
        _ => ApiError::Body(error.to_string()),
    }
}

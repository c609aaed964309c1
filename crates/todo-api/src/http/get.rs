//! `GET` and `HEAD /todos/{id}`.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use cache_aside::Answer;

use crate::entity_tag::EntityTag;
use crate::http::Worker;
use crate::http::cache_status::{self, CACHE_STATUS};
use crate::http::error::ApiError;
use crate::http::etag;
use crate::http::reply::Reply;
use crate::http::request::{read_options, todo_id};
use crate::precondition::{Preconditions, Verdict};

/// 200 with the todo, 304 if the sender has it, 404 if there is none, 412 if it is not the one that is asked for.
pub async fn get(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/todos/{id}");
    let answered = answer(&request, &worker, &reply).await;
    reply.send(answered)
}

async fn answer(request: &HttpRequest, worker: &Worker, reply: &Reply<'_>) -> Result<HttpResponse, ApiError> {
    reply.admit()?;
    let id = todo_id(request)?;
    let how = read_options(request)?;
    let preconditions = etag::preconditions(request.headers())?;
    let answer = reply.traced(worker.todos.read(&id, how)).await?;
    reply.answered_from(answer.outcome);
    Ok(response(worker, &preconditions, answer))
}

fn response(worker: &Worker, preconditions: &Preconditions, answer: Answer) -> HttpResponse {
    let status = cache_status::of_read(&answer);
    let Some(entry) = answer.entry else {
        // Preconditions of what is not there mean nothing (RFC 9110 §13.2.1).
        let mut response = with_status(ApiError::NotFound, status);
        // A cache on the way keeps an absence no longer than a todo.
        response.headers_mut().insert(CACHE_CONTROL, worker.cache_control.clone());
        return response;
    };
    let tag = EntityTag::of(entry.version, &entry.body);
    let verdict = preconditions.evaluate(Some(&tag));
    let mut response = match verdict {
        Verdict::Hold => HttpResponse::Ok(),
        Verdict::IfNoneMatchFailed => HttpResponse::NotModified(),
        Verdict::IfMatchFailed => {
            return with_status(ApiError::PreconditionFailed(etag::why_not(preconditions)), status);
        }
    };
    response
        .insert_header((ETAG, etag::header_value(&tag)))
        .insert_header((CACHE_STATUS, status))
        .insert_header((CACHE_CONTROL, worker.cache_control.clone()));
    if verdict == Verdict::IfNoneMatchFailed {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json"))).body(entry.body)
}

fn with_status(error: ApiError, status: HeaderValue) -> HttpResponse {
    let mut response = error.response();
    response.headers_mut().insert(CACHE_STATUS, status);
    response
}

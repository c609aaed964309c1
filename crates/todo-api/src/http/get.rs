//! `GET` and `HEAD /todos/{id}`.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use cache_aside::Answer;

use crate::http::Worker;
use crate::http::cache_status::{self, CACHE_STATUS};
use crate::http::error::ApiError;
use crate::http::etag::{etag, is_known};
use crate::http::reply::Reply;
use crate::http::request::{read_options, todo_id};

/// 200 with the todo, 304 if the sender has it, 404 if there is none.
pub async fn get(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/todos/{id}");
    let answer = read(&request, &worker).await;
    reply.send(answer.map(|answer| response(&request, &worker, answer)))
}

async fn read(request: &HttpRequest, worker: &Worker) -> Result<Answer, ApiError> {
    let id = todo_id(request)?;
    let how = read_options(request)?;
    Ok(worker.todos.read(&id, how).await?)
}

fn response(request: &HttpRequest, worker: &Worker, answer: Answer) -> HttpResponse {
    let status = cache_status::of_read(&answer);
    let Some(entry) = answer.entry else {
        let mut response = ApiError::NotFound.response();
        response.headers_mut().insert(CACHE_STATUS, status);
        // A cache on the way keeps an absence no longer than a todo.
        response.headers_mut().insert(CACHE_CONTROL, worker.cache_control.clone());
        return response;
    };
    let etag = etag(entry.version, &entry.body);
    let known = is_known(request.headers(), &etag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((ETAG, etag))
        .insert_header((CACHE_STATUS, status))
        .insert_header((CACHE_CONTROL, worker.cache_control.clone()));
    if known {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json"))).body(entry.body)
}

//! `POST /todos/` and `/todos`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use todo_model::NewTodo;

use crate::http::Worker;
use crate::http::body::{self, Received};
use crate::http::error::ApiError;
use crate::http::etag;
use crate::http::reply::{Reply, location, with_todo};
use crate::precondition::Verdict;
use crate::todos::Changed;

/// 201 with the todo and where it is, 409 if the id is taken.
pub async fn create(request: HttpRequest, worker: web::Data<Worker>, body: Received) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/todos/");
    let created = write(&request, &worker, body, &reply).await;
    reply.send(created)
}

async fn write(
    request: &HttpRequest,
    worker: &Worker,
    body: Received,
    reply: &Reply<'_>,
) -> Result<HttpResponse, ApiError> {
    reply.admit_write()?;
    // There is nothing to compare with: a collection has no tag, so `If-Match` is false and `If-None-Match` true.
    if etag::preconditions(request.headers())?.evaluate(None) != Verdict::Hold {
        return Err(ApiError::PreconditionFailed("If-Match holds for no todo that is still to be created"));
    }
    let new = NewTodo::from_json(&body::json(request, body)?)?;
    let (id, written) = reply.traced(worker.todos.create(new)).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, location(&id)));
    Ok(with_todo(response, Changed::Written(written)))
}

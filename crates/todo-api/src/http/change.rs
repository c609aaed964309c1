//! `PUT`, `PATCH` and `DELETE /todos/{id}`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use cache_aside::WriteError;
use todo_model::{NewTodo, TodoId, TodoPatch};
use todo_store::StoreError;

use crate::http::Worker;
use crate::http::body::{self, Received};
use crate::http::cache_status::{self, CACHE_STATUS};
use crate::http::error::ApiError;
use crate::http::etag;
use crate::http::reply::{Reply, location, with_todo};
use crate::http::request::todo_id;
use crate::precondition::Preconditions;
use crate::todos::{Change, Changed};

/// 200 with the todo in the place of the old one, 201 if there was none; 412.
pub async fn put(request: HttpRequest, worker: web::Data<Worker>, body: Received) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/todos/{id}");
    let replaced = replace(&request, &worker, body, &reply).await;
    reply.send(replaced)
}

async fn replace(
    request: &HttpRequest,
    worker: &Worker,
    body: Received,
    reply: &Reply<'_>,
) -> Result<HttpResponse, ApiError> {
    reply.admit_write()?;
    let id = todo_id(request)?;
    let preconditions = etag::preconditions(request.headers())?;
    let new = NewTodo::from_json(&body::json(request, body)?)?;
    same_id(new.id.as_ref(), &id)?;
    let todo = new.into_todo(|| id.clone());
    let written = match reply.traced(worker.todos.change(&id, Change::Replace(todo), preconditions.clone())).await {
        // Without `If-Match` it would have been created.
        Err(WriteError::Store(StoreError::NotFound(_))) => {
            return Err(ApiError::PreconditionFailed("there is none with this id, and If-Match asks for one"));
        }
        done => done.map_err(|error| refused(error, &preconditions))?,
    };
    let created = matches!(&written, Changed::Written(written) if written.result);
    let mut response = if created { HttpResponse::Created() } else { HttpResponse::Ok() };
    if created {
        response.insert_header((LOCATION, location(&id)));
    }
    Ok(with_todo(response, written))
}

/// 200 with the todo as it is now, under its old version if the patch changes nothing; 404, 412.
pub async fn patch(request: HttpRequest, worker: web::Data<Worker>, body: Received) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/todos/{id}");
    let patched = apply(&request, &worker, body, &reply).await;
    reply.send(patched)
}

async fn apply(
    request: &HttpRequest,
    worker: &Worker,
    body: Received,
    reply: &Reply<'_>,
) -> Result<HttpResponse, ApiError> {
    reply.admit_write()?;
    let id = todo_id(request)?;
    let preconditions = etag::preconditions(request.headers())?;
    let patch = TodoPatch::from_json(&body::json(request, body)?)?;
    same_id(patch.id.as_ref(), &id)?;
    let changed = reply.traced(worker.todos.change(&id, Change::Patch(patch), preconditions.clone())).await;
    let written = changed.map_err(|error| refused(error, &preconditions))?;
    Ok(with_todo(HttpResponse::Ok(), written))
}

/// 204; 404, 412.
pub async fn delete(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/todos/{id}");
    let deleted = remove(&request, &worker, &reply).await;
    reply.send(deleted)
}

async fn remove(request: &HttpRequest, worker: &Worker, reply: &Reply<'_>) -> Result<HttpResponse, ApiError> {
    reply.admit_write()?;
    let id = todo_id(request)?;
    let preconditions = etag::preconditions(request.headers())?;
    let changed = reply.traced(worker.todos.change(&id, Change::Delete, preconditions.clone())).await;
    let deleted = changed.map_err(|error| refused(error, &preconditions))?;
    Ok(HttpResponse::NoContent().insert_header((CACHE_STATUS, cache_status::of_change(&deleted))).finish())
}

/// A write that did not happen; one whose preconditions are false says why, as far as the request shows it.
fn refused(error: WriteError<StoreError>, preconditions: &Preconditions) -> ApiError {
    match error {
        WriteError::Store(StoreError::Conflict(_)) => ApiError::PreconditionFailed(etag::why_not(preconditions)),
        error => error.into(),
    }
}

fn same_id(in_body: Option<&TodoId>, in_path: &TodoId) -> Result<(), ApiError> {
    match in_body {
        Some(id) if id != in_path => Err(ApiError::Id("must be the id in the path, or left out".to_owned())),
        _ => Ok(()),
    }
}

//! Routes. A handler reads the request, asks [`crate::todos::Todos`] and says the answer in HTTP.
//!
//! - [`get`], [`list`], [`create`], [`change`], [`health`], [`metrics`]: the handlers.
//! - [`request`], [`body`]: what is read from a request. [`reply`]: what every reply carries.
//! - [`etag`], [`cache_status`], [`directives`]: headers, [`cors`]: some more.
//! - [`error`]: problem details, `failure_log`: their causes in the log.

pub mod body;
pub mod cache_status;
pub mod change;
pub mod cors;
pub mod create;
pub mod directives;
pub mod error;
pub mod etag;
mod failure_log;
pub mod get;
pub mod health;
pub mod list;
pub mod metrics;
pub mod reply;
pub mod request;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::drain::Drain;
use crate::http::cors::Cors;
use crate::http::error::ApiError;
use crate::http::reply::Reply;
use crate::metrics::{Metrics, requests};
use crate::todos::Todos;

/// What every handler of one worker shares.
pub struct Worker {
    /// The todos, over this worker's own connection to the cache.
    pub todos: Todos,
    /// `Cache-Control` of answers to GET.
    pub cache_control: HeaderValue,
    /// Whether the process is about to end.
    pub drain: Arc<Drain>,
    /// Whether the auditor runs.
    pub audited: bool,
    /// What this worker counts of its requests.
    pub counts: Arc<requests::Worker>,
    /// What all workers count, where `/metrics` is answered by this listener.
    pub metrics: Option<Metrics>,
    /// Which web pages of others may call the service.
    pub cors: Option<Cors>,
}

/// The routes of one worker.
pub fn routes(worker: Worker) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        if worker.metrics.is_some() {
            app.service(
                probe("/metrics").route(web::get().to(metrics::metrics)).route(web::head().to(metrics::metrics)),
            );
        }
        app.app_data(web::Data::new(worker))
            .app_data(web::PayloadConfig::new(body::MAX_BODY_BYTES))
            .service(
                web::resource("/todos/{id}")
                    .route(web::get().to(get::get))
                    .route(web::head().to(get::get))
                    .route(web::put().to(change::put))
                    .route(web::patch().to(change::patch))
                    .route(web::delete().to(change::delete))
                    .default_service(web::to(other_method)),
            )
            .service(
                web::resource(["/todos", "/todos/"])
                    .route(web::get().to(list::get))
                    .route(web::head().to(list::get))
                    .route(web::post().to(create::create))
                    .default_service(web::to(other_method)),
            )
            .service(probe("/livez").route(web::get().to(health::livez)).route(web::head().to(health::livez)))
            .service(probe("/readyz").route(web::get().to(health::readyz)).route(web::head().to(health::readyz)))
            .default_service(web::to(no_such_resource));
    }
}

/// The routes of a listener that is for scrapes only.
pub fn metrics_routes(worker: Worker) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        app.app_data(web::Data::new(worker))
            .service(probe("/metrics").route(web::get().to(metrics::metrics)).route(web::head().to(metrics::metrics)))
            .default_service(web::to(no_such_resource));
    }
}

fn probe(path: &'static str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(other_method))
}

async fn no_such_resource(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "(none)");
    if request.method() == Method::OPTIONS && request.path() == "*" {
        return reply.send(Ok(options(&[
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])));
    }
    reply.send(Err(ApiError::NoSuchResource(request.path().to_owned())))
}

async fn other_method(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let allowed = match request.path() {
        "/todos" | "/todos/" => vec![Method::GET, Method::HEAD, Method::POST],
        path if path.starts_with("/todos/") => {
            vec![Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE]
        }
        _ => vec![Method::GET, Method::HEAD],
    };
    let reply = Reply::new(&request, &worker, "(none)");
    if request.method() == Method::OPTIONS {
        return reply.send(Ok(options(&allowed)));
    }
    reply.send(Err(ApiError::MethodNotAllowed { method: request.method().to_string(), allowed }))
}

/// 204 with `Allow` (RFC 9110 §9.3.7).
fn options(methods: &[Method]) -> HttpResponse {
    HttpResponse::NoContent().insert_header((ALLOW, error::list(methods))).finish()
}

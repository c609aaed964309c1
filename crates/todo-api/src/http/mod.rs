//! Routes. A handler reads the request, asks [`crate::todos::Todos`] and says the answer in HTTP.
//!
//! - [`mod@routes`]: what is at which path.
//! - [`get`], [`list`], [`create`], [`change`], [`health`], [`metrics`], [`openapi`], [`docs`], [`live`], [`cell`]: the handlers;
//!   `page`: what pages are sent with.
//! - [`admission`]: who is let in; [`rate_limit`]: how often each client may ask; [`unsent`]: how much lists may hold that
//!   nobody takes. [`request`], [`body`]: what is read from a request. [`reply`]: what every reply carries.
//! - [`etag`], [`cache_status`], [`directives`]: headers, [`cors`]: some more.
//! - [`error`]: problem details, `failure_log`: their causes in the log.

pub mod admission;
pub mod body;
pub mod cache_status;
pub mod cell;
pub mod change;
pub mod cors;
pub mod create;
pub mod directives;
pub mod docs;
pub mod error;
pub mod etag;
mod failure_log;
pub mod get;
pub mod health;
pub mod list;
pub mod live;
pub mod metrics;
pub mod openapi;
mod page;
pub mod rate_limit;
pub mod reply;
pub mod request;
pub mod routes;
pub mod unsent;

use std::cell::OnceCell;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use crate::drain::Drain;
use crate::http::admission::Admission;
use crate::http::cors::Cors;
use crate::http::error::ApiError;
use crate::http::reply::Reply;
use crate::http::routes::Resource;
use crate::live::Live;
use crate::metrics::{Metrics, requests};
use crate::todos::Todos;
use crate::traces::Tracer;

/// What every handler of one worker shares.
pub struct Worker {
    /// The todos, over this worker's own connection to the cache.
    pub todos: Todos,
    /// `Cache-Control` of answers to GET.
    pub cache_control: HeaderValue,
    /// Who is let in.
    pub admission: Admission,
    /// Whether the process is about to end.
    pub drain: Arc<Drain>,
    /// Whether the auditor runs.
    pub audited: bool,
    /// What this worker counts of its requests.
    pub counts: Arc<requests::Worker>,
    /// What all workers count, where `/metrics` is answered by this listener.
    pub metrics: Option<Metrics>,
    /// What the page at `/live` shows, where there is one.
    pub live: Option<Live>,
    /// Traces requests, where traces go anywhere.
    pub tracer: Option<Tracer>,
    /// Which caches there are.
    pub caches: Caches,
    /// Which web pages of others may call the service.
    pub cors: Option<Cors>,
    /// What there is at this listener.
    pub resources: Vec<Resource>,
    /// The OpenAPI document of these resources, once somebody asked for it.
    pub document: OnceCell<Bytes>,
}

/// Which caches a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caches {
    /// Whether there is one at all.
    pub shared: bool,
    /// Whether there is an L1 in front of it.
    pub l1: bool,
}

/// The routes of one worker.
pub fn routes(worker: Worker) -> impl FnOnce(&mut web::ServiceConfig) {
    move |app| {
        for resource in &worker.resources {
            app.service(resource.service());
        }
        app.app_data(web::Data::new(worker))
            .app_data(web::PayloadConfig::new(body::MAX_BODY_BYTES))
            .default_service(web::to(no_such_resource));
    }
}

async fn no_such_resource(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "(none)");
    if request.method() == Method::OPTIONS && request.path() == "*" {
        return reply.send(Ok(options(&all_methods(&worker.resources))));
    }
    reply.send(Err(ApiError::NoSuchResource(request.path().to_owned())))
}

async fn other_method(request: HttpRequest, worker: web::Data<Worker>, allowed: &'static [Method]) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "(none)");
    if request.method() == Method::OPTIONS {
        return reply.send(Ok(options(allowed)));
    }
    reply.send(Err(ApiError::MethodNotAllowed { method: request.method().to_string(), allowed: allowed.to_vec() }))
}

/// Every method that is possible somewhere; those of the most resources first.
fn all_methods(resources: &[Resource]) -> Vec<Method> {
    let mut all: Vec<Method> = Vec::new();
    for method in resources.iter().rev().flat_map(|resource| resource.methods()) {
        if !all.contains(method) {
            all.push(method.clone());
        }
    }
    all
}

/// 204 with `Allow` (RFC 9110 §9.3.7).
fn options(methods: &[Method]) -> HttpResponse {
    HttpResponse::NoContent().insert_header((ALLOW, error::list(methods))).finish()
}

//! `GET /livez` and `/readyz`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use cache_aside::Health;
use cache_aside::stats::AuditStats;
use serde::Serialize;

use crate::http::Worker;
use crate::http::reply::Reply;
use crate::limited_log::Limited;

/// 200: the process is up.
pub async fn livez(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    Reply::new(&request, &worker, "/livez").send(Ok(HttpResponse::Ok().json(Live { status: "live" })))
}

/// 200 if the store answers and the process is not about to end, else 503. The cache is told of, not required.
pub async fn readyz(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let (store, cache) = futures::join!(worker.todos.store_health(), worker.todos.cache_health());
    let draining = worker.drain.is_on();
    if let Err(error) = &store {
        static NOT_READY: Limited = Limited::every(Duration::from_secs(1));
        if let Some(times) = NOT_READY.permit() {
            tracing::warn!(%error, times, "not ready: the store does not answer");
        }
    }
    let ready = Ready {
        status: match (draining, &store) {
            (true, _) => "stopping",
            (false, Ok(())) => "ready",
            (false, Err(_)) => "not ready",
        },
        store: if store.is_ok() { "up" } else { "down" },
        cache: match cache {
            Health::Up => "up",
            Health::ReadOnly => "read-only",
            Health::Down => "down",
            Health::Off => "off",
            _ => "unknown",
        },
        cache_refusal: worker.todos.cache_refusal(),
        audit: worker.audited.then(|| worker.todos.stats().audit.into()),
    };
    let mut response = if store.is_ok() && !draining { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    Reply::new(&request, &worker, "/readyz").send(Ok(response.json(ready)))
}

#[derive(Serialize)]
struct Live {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    store: &'static str,
    cache: &'static str,
    /// Why the cache refuses writes, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<Audit>,
}

/// Cells that were compared with the store, and those that were wrong for longer than so many seconds.
#[derive(Serialize)]
struct Audit {
    compared: u64,
    wrong_1s: u64,
    wrong_10s: u64,
    wrong_60s: u64,
}

impl From<AuditStats> for Audit {
    fn from(audited: AuditStats) -> Self {
        let AuditStats { compared, wrong_1s, wrong_10s, wrong_60s, .. } = audited;
        Self { compared, wrong_1s, wrong_10s, wrong_60s }
    }
}

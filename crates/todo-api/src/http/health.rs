//! `GET /livez` and `/readyz`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use cache_aside::stats::{AuditStats, WarmingStats};
use cache_aside::{BreakerState, Health};
use serde::Serialize;
use todo_store::StoreError;

use crate::http::Worker;
use crate::http::reply::Reply;
use crate::limited_log::Limited;

/// 200: the process is up.
pub async fn livez(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    Reply::new(&request, &worker, "/livez").send(Ok(HttpResponse::Ok().json(Live { status: "live" })))
}

/// 200 if the store answers and the process is not about to end, else 503. The cache is told of, not required.
pub async fn readyz(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let breaker = worker.todos.store_breaker();
    let (store, cache) = futures::join!(store_health(&worker, breaker), worker.todos.cache_health());
    let draining = worker.drain.is_on();
    if let Err(Some(error)) = &store {
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
        store_breaker: match breaker {
            BreakerState::Open => Some("open"),
            BreakerState::HalfOpen => Some("half-open"),
            _ => None,
        },
        cache: match cache {
            Health::Up => "up",
            Health::ReadOnly => "read-only",
            Health::Partial => "partial",
            Health::Down => "down",
            Health::Off => "off",
            _ => "unknown",
        },
        cache_refusal: worker.todos.cache_refusal(),
        audit: worker.audited.then(|| worker.todos.stats().audit.into()),
        warming: Warm::now(&worker.todos.stats().warming),
    };
    let mut response = if store.is_ok() && !draining { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    Reply::new(&request, &worker, "/readyz").send(Ok(response.json(ready)))
}

/// What is used counts: a store whose answers do not come is away, though a ping might succeed. Asked for nothing, it is half
/// open a moment later, and the ping decides.
async fn store_health(worker: &Worker, breaker: BreakerState) -> Result<(), Option<StoreError>> {
    if breaker == BreakerState::Open { Err(None) } else { worker.todos.store_health().await.map_err(Some) }
}

#[derive(Serialize)]
struct Live {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    store: &'static str,
    /// State of the breaker in front of the store, unless it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    store_breaker: Option<&'static str>,
    cache: &'static str,
    /// Why the cache refuses writes, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<Audit>,
    /// How far this process is with an empty cache, while it fills it.
    #[serde(skip_serializing_if = "Option::is_none")]
    warming: Option<Warm>,
}

/// Cells that were compared with the store, and those that were wrong for longer than so many seconds.
#[derive(Serialize)]
struct Audit {
    compared: u64,
    wrong_1s: u64,
    wrong_10s: u64,
    wrong_60s: u64,
}

/// Of the todos that are read most, those that were looked at.
#[derive(Serialize)]
struct Warm {
    done: u64,
    of: u64,
}

impl Warm {
    fn now(warming: &WarmingStats) -> Option<Self> {
        warming.running.then_some(Self { done: warming.done, of: warming.of })
    }
}

impl From<AuditStats> for Audit {
    fn from(audited: AuditStats) -> Self {
        let AuditStats { compared, wrong_1s, wrong_10s, wrong_60s, .. } = audited;
        Self { compared, wrong_1s, wrong_10s, wrong_60s }
    }
}

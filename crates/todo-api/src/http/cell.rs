//! `GET` and `DELETE /live/cells/{id}`: what the cache holds of one id, and that it forgets it.

use actix_web::{HttpRequest, HttpResponse, web};
use cache_aside::cell::Kind;
use cache_aside::inspect::{Answers, InspectedCell, Inspection};
use cache_aside::rules::Holder;
use serde::Serialize;

use crate::http::error::ApiError;
use crate::http::reply::Reply;
use crate::http::request::id_in_path;
use crate::http::{Caches, Worker};

const ROUTE: &str = "/live/cells/{id}";

/// 200 with what the cache holds; nothing is changed by it.
pub async fn get(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, ROUTE);
    let found = async {
        let id = id_in_path(&request, "/live/cells/")?;
        let inspection = worker.todos.inspect(&id).await;
        Ok(HttpResponse::Ok().json(Cell::of(id.as_str(), worker.caches, inspection)))
    };
    let found = found.await;
    reply.send(found)
}

/// 204 when the cache holds nothing of the id any more. The store is as it was.
pub async fn delete(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, ROUTE);
    let done = async {
        reply.admit_write()?;
        let id = id_in_path(&request, "/live/cells/")?;
        if worker.todos.invalidate(&id).await {
            Ok(HttpResponse::NoContent().finish())
        } else {
            Err(ApiError::CacheAway)
        }
    };
    let done = done.await;
    reply.send(done)
}

/// What the cache holds of an id, in JSON.
#[derive(Serialize)]
struct Cell<'a> {
    id: &'a str,
    cache: &'static str,
    cell: Option<Found>,
    lease: Vec<Entry>,
    has_l1: bool,
    in_l1: bool,
    pending: bool,
}

#[derive(Serialize)]
struct Found {
    kind: &'static str,
    version: u64,
    bytes: usize,
    age_ms: u64,
    ttl_ms: Option<i64>,
    answers: &'static str,
}

#[derive(Serialize)]
struct Entry {
    by: &'static str,
    ends_in_ms: u64,
}

impl<'a> Cell<'a> {
    fn of(id: &'a str, caches: Caches, inspection: Option<Inspection>) -> Self {
        let cache = match &inspection {
            _ if !caches.shared => "off",
            None => "down",
            Some(_) => "up",
        };
        let (mut cell, mut lease, mut in_l1, mut pending) = (None, Vec::new(), false, false);
        if let Some(found) = inspection {
            let entry =
                |by, ends_in_ms| Entry { by: if by == Holder::Filler { "filler" } else { "writer" }, ends_in_ms };
            lease = found.lease.iter().map(|one| entry(one.by, one.ends_in.as_millis() as u64)).collect();
            (cell, in_l1, pending) = (found.cell.map(Found::of), found.in_l1, found.is_pending);
        }
        Self { id, cache, cell, lease, has_l1: caches.l1, in_l1, pending }
    }
}

impl Found {
    fn of(cell: InspectedCell) -> Self {
        Self {
            kind: match cell.kind {
                Kind::Value => "value",
                Kind::Absent => "absent",
                Kind::Tombstone => "tombstone",
            },
            version: cell.version,
            bytes: cell.bytes,
            age_ms: cell.age.as_millis() as u64,
            ttl_ms: cell.ttl_ms,
            answers: match cell.answers {
                Answers::Fresh => "fresh",
                Answers::Stale => "stale",
                Answers::Aged => "aged",
                Answers::Invalid => "invalid",
                _ => "no",
            },
        }
    }
}

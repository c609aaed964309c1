//! The todos over HTTP. `ETag` is the version, and `Cache-Status` (RFC 9211) says where an answer came from.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cache_aside::{Answer, CacheAside, Commit, Detail, Outcome, Published, ReadError, ReadOptions};
use serde::Deserialize;

use super::store::{NewTodo, Precondition, StoreError, Stored, TodoPatch, Todos};

type Cache = State<CacheAside<Todos>>;

pub(crate) fn routes(cache: CacheAside<Todos>) -> Router {
    Router::new()
        .route("/todos/", post(create))
        .route("/todos/{id}", get(read).put(put).patch(patch).delete(delete))
        .route("/readyz", get(ready))
        .with_state(cache)
}

async fn ready(State(cache): Cache) -> StatusCode {
    let follows = cache.vouched(std::time::Duration::ZERO).await;
    if follows && cache.source().ping().await.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn read(State(cache): Cache, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let says = |words: &str| headers.get(CACHE_CONTROL).is_some_and(|value| value == words);
    let min_version = match headers.get("min-version") {
        Some(value) => number(value.to_str().ok()).ok_or(Problem::BadRequest("Min-Version is no version"))?,
        None => 0,
    };
    let how = ReadOptions { refetch: says("no-cache"), only_if_cached: says("only-if-cached"), min_version };
    let answer = cache.read(&id, how).await?;
    let status = [("cache-status", status_of(&answer))];
    Ok(match answer.entry {
        Some(entry) => (status, todo(StatusCode::OK, entry.version, entry.body)).into_response(),
        None => (StatusCode::NOT_FOUND, status).into_response(),
    })
}

async fn put(
    State(cache): Cache,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(new): Json<NewTodo>,
) -> Result<Response, Problem> {
    let (only, store) = (precondition(&headers)?, cache.source().clone());
    let key = id.clone();
    write(&cache, &key, async move { store.put(id, new, only).await }).await
}

async fn patch(
    State(cache): Cache,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(patch): Json<TodoPatch>,
) -> Result<Response, Problem> {
    let (only, store) = (precondition(&headers)?, cache.source().clone());
    let key = id.clone();
    write(&cache, &key, async move { store.patch(id, patch, only).await }).await
}

async fn delete(State(cache): Cache, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let (only, store) = (precondition(&headers)?, cache.source().clone());
    let key = id.clone();
    write(&cache, &key, async move { store.delete(id, only).await }).await
}

#[derive(Deserialize)]
struct Create {
    id: String,
    #[serde(flatten)]
    new: NewTodo,
}

async fn create(State(cache): Cache, Json(Create { id, new }): Json<Create>) -> Result<Response, Problem> {
    let (store, key) = (cache.source().clone(), id.clone());
    write(&cache, &key, async move { store.create(id, new).await }).await
}

/// Runs a commit through the cache and answers what came of it.
async fn write(
    cache: &CacheAside<Todos>,
    id: &str,
    commit: impl Future<Output = Result<Stored, StoreError>> + Send + 'static,
) -> Result<Response, Problem> {
    let created = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_new = std::sync::Arc::clone(&created);
    let commit = async move {
        match commit.await {
            Ok(Stored { version, body: Some(body), created }) => {
                is_new.store(created, std::sync::atomic::Ordering::Release);
                Commit::Value { version, body }
            }
            Ok(Stored { version, body: None, .. }) => Commit::Absent { version },
            Err(error) if error.leaves_unknown() => Commit::Unknown(error),
            Err(error) => Commit::Nothing(error),
        }
    };
    let written = cache.write(id, commit).await.map_err(|error| error.map_or(Problem::Unknown, Problem::Write))?;
    let status = [(
        "cache-status",
        match written.published {
            Published::Yes => "todos; fwd=method; stored",
            Published::Deferred => "todos; fwd=method; detail=publish-deferred",
            Published::No => "todos; fwd=method; detail=not-published",
        },
    )];
    let code = if created.load(std::sync::atomic::Ordering::Acquire) { StatusCode::CREATED } else { StatusCode::OK };
    Ok(match written.body {
        Some(body) => (status, todo(code, written.version, body)).into_response(),
        None => (status, StatusCode::NO_CONTENT).into_response(),
    })
}

fn todo(code: StatusCode, version: u64, body: impl Into<Body>) -> Response {
    (code, [(ETAG, format!(r#""{version}""#)), (CONTENT_TYPE, "application/json".to_owned())], body.into())
        .into_response()
}

fn status_of(answer: &Answer) -> String {
    let ttl = answer.ttl_ms.div_euclid(1_000);
    match (answer.outcome, answer.detail) {
        (Outcome::Hit, Some(Detail::L1)) => format!("todos; hit; ttl={ttl}; detail=l1"),
        (Outcome::Hit, _) => format!("todos; hit; ttl={ttl}"),
        (Outcome::Absent, _) => format!("todos; hit; ttl={ttl}; detail=absent"),
        (Outcome::Stale, Some(Detail::StaleIfError)) => format!("todos; hit; ttl={ttl}; detail=stale-if-error"),
        (Outcome::Stale, _) => format!("todos; hit; ttl={ttl}; detail=stale"),
        (Outcome::Miss, _) => "todos; fwd=miss".to_owned(),
        (Outcome::Bypass, _) => "todos; fwd=bypass; detail=cache-error".to_owned(),
    }
}

/// One strong tag, as this service gives it, or `If-None-Match: *`. What is there and cannot be used is refused: a write
/// that should have been guarded must not happen unguarded.
fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    match (headers.get(IF_MATCH), headers.get(IF_NONE_MATCH)) {
        (None, None) => Ok(Precondition::None),
        (None, Some(any)) if any == "*" => Ok(Precondition::Absent),
        (Some(tag), None) => {
            let tag = tag.to_str().ok().and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
            let version = number(tag).and_then(|version| i64::try_from(version).ok());
            version.map(Precondition::Version).ok_or(Problem::BadRequest("If-Match is none of this service's tags"))
        }
        _ => Err(Problem::BadRequest(r#"one of If-Match: "VERSION" and If-None-Match: * is understood"#)),
    }
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.parse().ok()
}

enum Problem {
    BadRequest(&'static str),
    Read(ReadError<StoreError>),
    Write(StoreError),
    /// Whether the write happened is not known.
    Unknown,
}

impl From<ReadError<StoreError>> for Problem {
    fn from(error: ReadError<StoreError>) -> Self {
        Self::Read(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (code, text) = match self {
            Self::BadRequest(what) => (StatusCode::BAD_REQUEST, what.to_owned()),
            Self::Read(error @ ReadError::NotCached) => (StatusCode::GATEWAY_TIMEOUT, error.to_string()),
            Self::Read(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            Self::Write(error) => (status_of_write(&error), error.to_string()),
            Self::Unknown => (StatusCode::GATEWAY_TIMEOUT, "the write was given up".to_owned()),
        };
        (code, text).into_response()
    }
}

fn status_of_write(error: &StoreError) -> StatusCode {
    match error {
        StoreError::NotFound => StatusCode::NOT_FOUND,
        StoreError::AlreadyThere => StatusCode::CONFLICT,
        StoreError::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        // Text that PostgreSQL cannot store (class 22), such as U+0000.
        StoreError::Postgres(error) if error.code().is_some_and(|code| code.code().starts_with("22")) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        error if error.leaves_unknown() => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

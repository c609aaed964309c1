//! The todos over HTTP. `ETag` is the version, and `Cache-Status` (RFC 9211) says where an answer came from.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cache_aside::{
    Answer, CacheAside, Commit, Detail, Outcome, Published, ReadError, ReadOptions, WriteError, Written,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::store::{NewTodo, Precondition, StoreError, Stored, TodoPatch, Todos};

type Cache = State<CacheAside<Todos>>;

pub(crate) fn routes(cache: CacheAside<Todos>) -> Router {
    Router::new()
        .route("/todos", get(read_many))
        .route("/todos/", post(create))
        .route("/todos/{id}", get(read).put(put).patch(patch).delete(delete))
        .route("/readyz", get(ready))
        .with_state(cache)
}

async fn ready(State(cache): Cache) -> StatusCode {
    let follows = cache.wait_until_live(std::time::Duration::ZERO).await;
    if follows && cache.source().ping().await.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn read(State(cache): Cache, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let says = |words: &str| headers.get(CACHE_CONTROL).is_some_and(|value| value == words);
    let min_version = match headers.get("min-version") {
        Some(value) => number(value.to_str().ok()).ok_or(Problem::BadRequest("Min-Version is no version"))?,
        None => 0,
    };
    let mut how = ReadOptions::at_least(min_version);
    (how.refetch, how.only_if_cached) = (says("no-cache"), says("only-if-cached"));
    let answer = cache.read(&id, how).await?;
    let status = [("cache-status", status_of(&answer))];
    Ok(match answer.entry {
        Some(entry) => (status, todo(StatusCode::OK, entry.version, entry.body)).into_response(),
        None => (StatusCode::NOT_FOUND, status).into_response(),
    })
}

#[derive(Deserialize)]
struct Many {
    ids: String,
}

/// One element of the answer to `GET /todos?ids=a,b`.
#[derive(Serialize)]
struct Element<'a> {
    id: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// The bytes of the cache, as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<&'a RawValue>,
}

/// Many todos at once: one answer for each id, in order.
async fn read_many(State(cache): Cache, Query(Many { ids }): Query<Many>) -> Response {
    let ids: Vec<&str> = ids.split(',').collect();
    let answers = cache.read_many(&ids, ReadOptions::default()).await;
    let elements: Vec<Element<'_>> = ids.iter().zip(&answers).map(|(id, answer)| element(id, answer)).collect();
    let status = if answers.iter().flatten().any(|answer| answer.outcome == Outcome::Bypass) {
        "todos; fwd=bypass; detail=cache-error"
    } else if answers.iter().flatten().any(|answer| answer.outcome == Outcome::Miss) {
        "todos; fwd=miss"
    } else {
        "todos; hit"
    };
    ([("cache-status", status)], Json(elements)).into_response()
}

fn element<'a>(id: &'a str, answer: &'a Result<Answer, ReadError<StoreError>>) -> Element<'a> {
    let entry = answer.as_ref().ok().and_then(|answer| answer.entry.as_ref());
    let status = match (answer, entry) {
        (Err(_), _) => StatusCode::SERVICE_UNAVAILABLE,
        (Ok(_), None) => StatusCode::NOT_FOUND,
        (Ok(_), Some(_)) => StatusCode::OK,
    };
    Element {
        id,
        status: status.as_u16(),
        etag: entry.map(|entry| format!(r#""{}""#, entry.version)),
        todo: entry.and_then(|entry| serde_json::from_slice(&entry.body).ok()),
    }
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
    let commit = async move {
        match commit.await {
            Ok(Stored { version, body: Some(body), created }) => Commit::Value { version, body, result: created },
            Ok(Stored { version, body: None, created }) => Commit::Absent { version, result: created },
            Err(error) if error.leaves_unknown() => Commit::Unknown(error),
            Err(error) if error.is_outage() => Commit::Unavailable(error),
            Err(error) => Commit::Nothing(error),
        }
    };
    let Written { version, body, published, result: created, .. } = cache.write(id, commit).await?;
    let status = [(
        "cache-status",
        match published {
            Published::Yes => "todos; fwd=method; stored",
            Published::Deferred => "todos; fwd=method; detail=publish-deferred",
            _ => "todos; fwd=method; detail=not-published",
        },
    )];
    let code = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(match body {
        Some(body) => (status, todo(code, version, body)).into_response(),
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
        _ => "todos; fwd=bypass; detail=cache-error".to_owned(),
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
    Write(WriteError<StoreError>),
}

impl From<ReadError<StoreError>> for Problem {
    fn from(error: ReadError<StoreError>) -> Self {
        Self::Read(error)
    }
}

impl From<WriteError<StoreError>> for Problem {
    fn from(error: WriteError<StoreError>) -> Self {
        Self::Write(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (code, text) = match self {
            Self::BadRequest(what) => (StatusCode::BAD_REQUEST, what.to_owned()),
            Self::Read(error @ ReadError::NotCached) => (StatusCode::GATEWAY_TIMEOUT, error.to_string()),
            Self::Read(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            Self::Write(WriteError::Store(error)) => (status_of_write(&error), error.to_string()),
            Self::Write(error @ WriteError::BreakerOpen) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            Self::Write(error) => (StatusCode::GATEWAY_TIMEOUT, error.to_string()),
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

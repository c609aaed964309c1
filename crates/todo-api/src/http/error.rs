//! `ApiError`: everything that is answered with problem details (RFC 9457).

use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder};
use std::sync::Arc;

use cache_aside::{ReadError, WriteError};
use serde::Serialize;
use thiserror::Error;
use todo_model::InputError;
use todo_store::StoreError;

use crate::http::MAX_BODY_BYTES;

/// 4xx say what was wrong and where. 5xx are opaque but for 502, whose cause is the data; the log has the cause.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400: the body is not JSON, or 422: it is, but no todo.
    #[error(transparent)]
    Input(#[from] InputError),
    /// 400: the body could not be read.
    #[error("the body could not be read: {0}")]
    Body(String),
    /// 400: `Min-Version` is no number.
    #[error("Min-Version must be a whole number")]
    MinVersion,
    /// 400: the conditions of a write contradict each other, or are none that a write can have.
    #[error("a write takes either If-Match, or If-None-Match: *")]
    Condition,
    /// 404: no such todo. The text is part of the contract.
    #[error("Item not found")]
    NotFound,
    /// 404: no such path.
    #[error("there is nothing at {0}")]
    NoSuchResource(String),
    /// 405: with `Allow`.
    #[error("{method} is not possible here")]
    MethodNotAllowed {
        /// What was tried.
        method: String,
        /// What is possible.
        allowed: Vec<Method>,
    },
    /// 409: the id is taken.
    #[error("a todo with id {0} exists already")]
    Exists(String),
    /// 412: the todo is not what `If-Match` or `If-None-Match` asks for.
    #[error("the todo is not what the request expects: read it again")]
    PreconditionFailed,
    /// 413: the body is over [`MAX_BODY_BYTES`].
    #[error("the body must be at most {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// 415: the body says it is no JSON.
    #[error("Content-Type must be application/json, not {0}")]
    MediaType(String),
    /// 422: the id in the path is no id, or the body has another.
    #[error("id: {0}")]
    Id(String),
    /// 502: the store holds something under this id that is no todo.
    #[error("the store holds a document under id {id} that is no todo: {problem}")]
    NotATodo {
        /// The id it was found by.
        id: String,
        /// The field, and what is wrong with it.
        problem: String,
    },
    /// 503 with `Retry-After`: the store cannot be reached, or is too busy.
    #[error("the store cannot answer now, try again")]
    Unavailable(#[source] Option<StoreError>),
    /// 503 with `Retry-After`: no version as high as `Min-Version` is there yet.
    #[error("the version asked for is not there yet")]
    TooOld,
    /// 504: `only-if-cached`, and the cache has no answer (RFC 9111 §5.2.1.7).
    #[error("the cache has no answer, and the store was not to be asked")]
    NotCached,
    /// 504: a write may or may not have happened.
    #[error("the outcome of the write is unknown: read before trying again")]
    UnknownOutcome(#[source] StoreError),
    /// 500: anything else.
    #[error("the request failed")]
    Failed(#[source] Option<StoreError>),
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: String,
}

impl ApiError {
    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Input(InputError::Syntax(_)) | Self::Body(_) | Self::MinVersion | Self::Condition => {
                StatusCode::BAD_REQUEST
            }
            Self::Input(_) | Self::Id(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound | Self::NoSuchResource(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Exists(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotATodo { .. } => StatusCode::BAD_GATEWAY,
            Self::Unavailable(_) | Self::TooOld => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotCached | Self::UnknownOutcome(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The problem details.
    pub fn response(&self) -> HttpResponse {
        let status = self.status();
        let mut response = HttpResponseBuilder::new(status);
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
        match self {
            Self::Unavailable(_) | Self::TooOld => {
                response.insert_header((RETRY_AFTER, HeaderValue::from_static("1")));
            }
            Self::MethodNotAllowed { allowed, .. } => {
                response.insert_header((ALLOW, list(allowed)));
            }
            _ => {}
        }
        let problem = Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.to_string(),
        };
        response.body(serde_json::to_vec(&problem).expect("strings and a number always serialize"))
    }
}

/// Methods as `Allow` lists them; `OPTIONS` is possible everywhere.
pub(crate) fn list(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).chain(["OPTIONS"]).collect::<Vec<_>>().join(", ")
}

impl From<ReadError<StoreError>> for ApiError {
    fn from(error: ReadError<StoreError>) -> Self {
        match error {
            ReadError::Source(source) => match Arc::unwrap_or_clone(source) {
                source @ (StoreError::Unavailable(_) | StoreError::UnknownOutcome(_)) => {
                    Self::Unavailable(Some(source))
                }
                StoreError::NotATodo { id, problem } => Self::NotATodo { id, problem },
                source => Self::Failed(Some(source)),
            },
            ReadError::Timeout(_) | ReadError::Overloaded => Self::Unavailable(None),
            ReadError::NotCached => Self::NotCached,
            ReadError::TooOld => Self::TooOld,
            _ => Self::Failed(None),
        }
    }
}

impl From<WriteError<StoreError>> for ApiError {
    fn from(error: WriteError<StoreError>) -> Self {
        let WriteError::Store(error) = error else { return Self::Failed(None) };
        match error {
            StoreError::Exists(id) => Self::Exists(id.to_string()),
            StoreError::NotFound(_) => Self::NotFound,
            StoreError::Conflict(_) => Self::PreconditionFailed,
            StoreError::Unavailable(_) => Self::Unavailable(Some(error)),
            StoreError::UnknownOutcome(_) => Self::UnknownOutcome(error),
            StoreError::NotATodo { id, problem } => Self::NotATodo { id, problem },
            other => Self::Failed(Some(other)),
        }
    }
}

//! `ApiError`: everything that is answered with problem details (RFC 9457).

use actix_web::http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder};
use std::sync::Arc;

use cache_aside::{ReadError, WriteError};
use serde::Serialize;
use thiserror::Error;
use todo_model::{InputError, Version};
use todo_store::{Cause, StoreError};

use crate::entity_tag::TagListError;
use crate::http::body::{CODING, MAX_BODY_BYTES, PATCH_TYPES, TODO_TYPE};

/// Names the types that a `PATCH` takes (RFC 5789 §3.1).
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
/// Names the types that a `POST` takes (Linked Data Platform 1.0 §7.1).
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// Why a precondition is false, when the request itself shows no other reason.
pub const READ_IT_AGAIN: &str = "it was changed meanwhile, read it again";

/// 4xx say what was wrong and where. 5xx are opaque but for 502, whose cause is the data; the log has the cause.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400: the body is not JSON, or 422: it is, but no todo.
    #[error(transparent)]
    Input(#[from] InputError),
    /// 400: the body could not be read.
    #[error("the body could not be read: {0}")]
    Body(String),
    /// 400: `Min-Version` is no version.
    #[error("Min-Version must be one whole number from 0 to {}", Version::MAX)]
    MinVersion,
    /// 400: `Cache-Control` does not parse.
    #[error("Cache-Control must be a list of directives like no-cache or max-age=0, with commas between them")]
    CacheControl,
    /// 400: `If-Match` or `If-None-Match` is there, but is no list of entity tags.
    #[error("{field} {problem}")]
    EntityTags {
        /// The header's name.
        field: &'static str,
        /// What is wrong with it.
        problem: TagListError,
    },
    /// 401 with `WWW-Authenticate`: the request would write, and lacks the token for that.
    #[error("{0}")]
    Token(TokenProblem),
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
    /// 409: a document of another program is in the way.
    #[error("{0}")]
    KeyTaken(StoreError),
    /// 412: the todo is not what `If-Match` or `If-None-Match` asks for.
    #[error("the todo is not what the request expects: {0}")]
    PreconditionFailed(&'static str),
    /// 413: the body is over [`MAX_BODY_BYTES`].
    #[error("the body must be at most {MAX_BODY_BYTES} bytes, unpacked, too")]
    TooLarge,
    /// 415: the body does not say that it is JSON; with `Accept`, `Accept-Post` or `Accept-Patch`.
    #[error("Content-Type must be {}{}", taken_by(method), not(sent))]
    MediaType {
        /// The type as it was sent, if there was one.
        sent: Option<String>,
        /// The method that takes other types.
        method: Method,
    },
    /// 415: the body is packed in a way that is not known; with `Accept-Encoding`.
    #[error("Content-Encoding must be {CODING}, or left out, not {0:?}")]
    ContentCoding(String),
    /// 422: the id in the path is no id, or the body has another.
    #[error("id: {0}")]
    Id(String),
    /// 400: `ids` of `GET /todos` is missing, empty, or too long.
    #[error("ids: {0}")]
    Ids(String),
    /// 422: one of `ids` is no id.
    #[error("ids: number {position} {problem}")]
    IdInList {
        /// Place of the id in the list, from 1.
        position: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// 429 with `Retry-After`: its client has asked as often as one may (RFC 6585 §4).
    #[error("this client asks too often: try again in {seconds} s")]
    TooManyRequests {
        /// After so long it may ask again; rounded up.
        seconds: u64,
    },
    /// 502: the store holds something under this id that is no todo.
    #[error("the store holds a document under id {id} that is no todo: {problem}")]
    NotATodo {
        /// The id it was found by.
        id: String,
        /// The field, and what is wrong with it.
        problem: String,
    },
    /// 503 with `Retry-After`: the store cannot be reached, is left alone after failures, or is too busy. Nothing was written.
    #[error("the store cannot answer now, try again")]
    Unavailable(#[source] Cause),
    /// 503 with `Retry-After`: the cache was to be told something, and did not take it.
    #[error("the cache does not answer: nothing was changed, try again")]
    CacheAway,
    /// 503 with `Retry-After`: too many look at the page already.
    #[error("as many look at this page as may look at one time, try again later")]
    TooManyViewers,
    /// 503 with `Retry-After`: so many requests, or so long lists, are answered at one time that one more would make all of them late.
    #[error("too many requests are answered at this time, try again")]
    Overloaded,
    /// 503 with `Retry-After`: no version as high as `Min-Version` is there yet.
    #[error("the version asked for is not there yet")]
    TooOld,
    /// 504: `only-if-cached`, and the cache has no answer (RFC 9111 §5.2.1.7).
    #[error("the cache has no answer, and the store was not to be asked")]
    NotCached,
    /// 504 with `Retry-After`: a write may or may not have happened.
    #[error("the outcome of the write is unknown: read before trying again")]
    UnknownOutcome(#[source] StoreError),
    /// 500: anything else.
    #[error("the request failed")]
    Failed(#[source] Option<StoreError>),
}

/// What is wrong with the token of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenProblem {
    /// There is none.
    #[error("a write needs a token: Authorization: Bearer TOKEN")]
    Missing,
    /// It is another one, or more than one.
    #[error("the token is not the one that writes need")]
    Wrong,
}

impl TokenProblem {
    /// `WWW-Authenticate` (RFC 6750 §3).
    fn challenge(self) -> &'static str {
        match self {
            Self::Missing => r#"Bearer realm="todo-api""#,
            Self::Wrong => r#"Bearer realm="todo-api", error="invalid_token""#,
        }
    }
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
            Self::Input(InputError::Syntax(_))
            | Self::Body(_)
            | Self::MinVersion
            | Self::CacheControl
            | Self::Ids(_)
            | Self::EntityTags { .. } => StatusCode::BAD_REQUEST,
            Self::Input(_) | Self::Id(_) | Self::IdInList { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::NotFound | Self::NoSuchResource(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Exists(_) | Self::KeyTaken(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType { .. } | Self::ContentCoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotATodo { .. } => StatusCode::BAD_GATEWAY,
            Self::Unavailable(_) | Self::Overloaded | Self::TooOld | Self::CacheAway | Self::TooManyViewers => {
                StatusCode::SERVICE_UNAVAILABLE
            }
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
            Self::Unavailable(_)
            | Self::Overloaded
            | Self::TooOld
            | Self::CacheAway
            | Self::TooManyViewers
            | Self::UnknownOutcome(_) => {
                response.insert_header((RETRY_AFTER, HeaderValue::from_static("1")));
            }
            Self::TooManyRequests { seconds } => {
                response.insert_header((RETRY_AFTER, HeaderValue::from(*seconds)));
            }
            Self::Token(problem) => {
                response.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static(problem.challenge())));
            }
            Self::MethodNotAllowed { allowed, .. } => {
                response.insert_header((ALLOW, list(allowed)));
            }
            Self::MediaType { method, .. } => {
                response.insert_header((ACCEPT, taken_by(method)));
                if *method == Method::PATCH {
                    response.insert_header((ACCEPT_PATCH, taken_by(method)));
                } else if *method == Method::POST {
                    response.insert_header((ACCEPT_POST, taken_by(method)));
                }
            }
            Self::ContentCoding(_) => {
                response.insert_header((ACCEPT_ENCODING, CODING));
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

/// The types that a method takes in its body.
fn taken_by(method: &Method) -> &'static str {
    if *method == Method::PATCH { PATCH_TYPES } else { TODO_TYPE }
}

fn not(sent: &Option<String>) -> String {
    sent.as_ref().map_or_else(|| ", and there is none".to_owned(), |sent| format!(", not {sent:?}"))
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
                    Self::Unavailable(Arc::new(source))
                }
                StoreError::NotATodo { id, problem } => Self::NotATodo { id, problem },
                source => Self::Failed(Some(source)),
            },
            ReadError::Timeout(_) | ReadError::Overloaded | ReadError::BreakerOpen => {
                Self::Unavailable(Arc::new(error))
            }
            ReadError::NotCached => Self::NotCached,
            ReadError::TooOld => Self::TooOld,
            _ => Self::Failed(None),
        }
    }
}

impl From<WriteError<StoreError>> for ApiError {
    fn from(error: WriteError<StoreError>) -> Self {
        let error = match error {
            WriteError::Store(error) => error,
            WriteError::BreakerOpen => return Self::Unavailable(Arc::new(error)),
            _ => return Self::Failed(None),
        };
        match error {
            StoreError::Exists(id) => Self::Exists(id.to_string()),
            StoreError::KeyTaken(_) => Self::KeyTaken(error),
            StoreError::NotFound(_) => Self::NotFound,
            StoreError::Conflict(_) => Self::PreconditionFailed(READ_IT_AGAIN),
            StoreError::Unavailable(_) => Self::Unavailable(Arc::new(error)),
            StoreError::UnknownOutcome(_) => Self::UnknownOutcome(error),
            StoreError::NotATodo { id, problem } => Self::NotATodo { id, problem },
            other => Self::Failed(Some(other)),
        }
    }
}

//! What is read from a request: the id in its path, its caching headers, its request id.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use cache_aside::ReadOptions;
use percent_encoding::percent_decode_str;
use todo_model::{TodoId, Version};

use crate::hex;
use crate::http::directives;
use crate::http::error::ApiError;

/// Carries the request id, both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Asks for an answer of at least this version.
pub const MIN_VERSION: HeaderName = HeaderName::from_static("min-version");

/// The id in the path, decoded once from the path as it was sent: frameworks leave some escapes and decode others.
///
/// # Errors
/// [`ApiError::Id`] if it is no id.
pub fn todo_id(request: &HttpRequest) -> Result<TodoId, ApiError> {
    id_in_path(request, "/todos/")
}

/// The id behind this folder of the path.
///
/// # Errors
/// [`ApiError::Id`] if it is no id.
pub fn id_in_path(request: &HttpRequest, folder: &str) -> Result<TodoId, ApiError> {
    let path = request.uri().path();
    // The folder may have been sent with escapes, too; an id has no slash.
    let sent = path.strip_prefix(folder).or_else(|| path.rsplit('/').next()).unwrap_or_default();
    let id = decoded(sent).map_err(|problem| ApiError::Id(problem.to_owned()))?;
    TodoId::try_from(id.into_owned()).map_err(|error| ApiError::Id(error.problem))
}

/// What was sent as one part of a path or a query (RFC 3986 §2.1), decoded once.
///
/// # Errors
/// What is wrong with it.
pub fn decoded(sent: &str) -> Result<Cow<'_, str>, &'static str> {
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !sent.split('%').skip(1).all(is_escape) {
        return Err("must be percent-encoded: two hexadecimal digits follow each `%`, and `%` itself is `%25`");
    }
    percent_decode_str(sent).decode_utf8().map_err(|_| "must be UTF-8")
}

/// What `Cache-Control` (RFC 9111 §5.2.1) and `Min-Version` ask of a read.
///
/// # Errors
/// One of them is there and cannot be used.
pub fn read_options(request: &HttpRequest) -> Result<ReadOptions, ApiError> {
    let mut how = ReadOptions::default();
    for line in request.headers().get_all(CACHE_CONTROL) {
        for name in directives::names(line.as_bytes()).ok_or(ApiError::CacheControl)? {
            how.refetch |= name.eq_ignore_ascii_case(b"no-cache");
            how.only_if_cached |= name.eq_ignore_ascii_case(b"only-if-cached");
        }
    }
    how.min_version = min_version(request)?;
    Ok(how)
}

/// Digits only, sent once, and no higher than any version can be: a floor that cannot be read is none at all.
fn min_version(request: &HttpRequest) -> Result<u64, ApiError> {
    let mut lines = request.headers().get_all(MIN_VERSION);
    let Some(line) = lines.next() else { return Ok(0) };
    let digits = line.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let version = digits.and_then(|text| text.parse().ok()).filter(|version| *version <= Version::MAX.0);
    match (version, lines.next()) {
        (Some(version), None) => Ok(version),
        _ => Err(ApiError::MinVersion),
    }
}

/// Names a request in the log and to its sender.
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The sender's own (1 to 128 visible ASCII characters), or a new one.
    pub fn of(request: &HttpRequest) -> Self {
        let sent = request.headers().get(X_REQUEST_ID);
        let usable = |value: &&HeaderValue| {
            (1..=128).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        Self(sent.filter(usable).cloned().unwrap_or_else(Self::make))
    }

    /// As a header.
    pub fn into_header(self) -> HeaderValue {
        self.0
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Unique, cheap, and no secret: a counter from a random start, mixed so that ids do not look alike.
    pub(crate) fn make() -> HeaderValue {
        static START: LazyLock<u64> = LazyLock::new(|| uuid::Uuid::now_v7().as_u64_pair().1);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = START.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        HeaderValue::from_bytes(&hex::digits::<16>(number)).expect("hexadecimal digits are a header value")
    }
}

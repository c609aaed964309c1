//! What is read from a request: the id in its path, its caching headers, its request id.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use cache_aside::ReadOptions;
use percent_encoding::percent_decode_str;
use todo_model::TodoId;

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
    let path = request.uri().path();
    let sent = path.strip_prefix("/todos/").unwrap_or(path);
    let id = percent_decode_str(sent).decode_utf8().map_err(|_| ApiError::Id("must be UTF-8".to_owned()))?;
    TodoId::try_from(id.into_owned()).map_err(|error| ApiError::Id(error.problem))
}

/// What `Cache-Control` (RFC 9111 §5.2.1) and `Min-Version` ask of a read.
///
/// # Errors
/// `Min-Version` is no number.
pub fn read_options(request: &HttpRequest) -> Result<ReadOptions, ApiError> {
    let mut how = ReadOptions::default();
    let directives = request.headers().get_all(CACHE_CONTROL).filter_map(|value| value.to_str().ok());
    for directive in directives.flat_map(|value| value.split(',')) {
        match directive.trim() {
            name if name.eq_ignore_ascii_case("no-cache") => how.refetch = true,
            name if name.eq_ignore_ascii_case("only-if-cached") => how.only_if_cached = true,
            _ => {}
        }
    }
    if let Some(value) = request.headers().get(MIN_VERSION) {
        how.min_version = value.to_str().ok().and_then(|text| text.parse().ok()).ok_or(ApiError::MinVersion)?;
    }
    Ok(how)
}

/// Refuses a body that says it is something else than JSON. One that says nothing is taken for JSON.
///
/// # Errors
/// [`ApiError::MediaType`].
pub fn expect_json(request: &HttpRequest) -> Result<(), ApiError> {
    let Some(value) = request.headers().get(CONTENT_TYPE) else { return Ok(()) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(ApiError::MediaType(text.to_owned()))
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
        HeaderValue::try_from(format!("{number:016x}")).expect("hexadecimal digits are a header value")
    }
}

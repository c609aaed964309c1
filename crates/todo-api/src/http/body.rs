//! Bodies of requests: JSON that says it is JSON, plain or compressed, and never more of it than a todo can need.

use std::io::Read;

use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::{HttpRequest, web};
use flate2::read::MultiGzDecoder;
use todo_model::{Todo, TodoId};

use crate::http::error::ApiError;

/// A body as actix has read it.
pub type Received = Result<web::Bytes, actix_web::Error>;

/// The longest JSON of a todo, in bytes: every byte of ASCII is at most one escape (`\u0041`), every other character two.
const LONGEST_TODO: usize = r#"{"":"","":"","":""}"#.len()
    + 6 * ("id".len() + "name".len() + "description".len() + TodoId::MAX_BYTES)
    + 12 * (Todo::MAX_NAME_CHARS + Todo::MAX_DESCRIPTION_CHARS);

/// The largest request body in bytes, as it is sent and as it is when unpacked: every legal todo however it is escaped, and
/// room for white space and fields that are ignored.
pub const MAX_BODY_BYTES: usize = LONGEST_TODO.next_multiple_of(64 * 1024);

/// What `PATCH` takes.
pub const PATCH_TYPES: &str = "application/merge-patch+json, application/json";
/// What `POST` and `PUT` take.
pub const TODO_TYPE: &str = "application/json";
/// The one content coding that is taken.
pub const CODING: &str = "gzip";

/// The JSON of a request that carries a todo or a patch: unpacked, without a byte order mark.
///
/// # Errors
/// [`ApiError::MediaType`], [`ApiError::ContentCoding`], [`ApiError::TooLarge`], [`ApiError::Body`].
pub fn json(request: &HttpRequest, received: Received) -> Result<web::Bytes, ApiError> {
    check_media_type(request)?;
    let is_packed = is_packed(request)?;
    let mut body = received.map_err(unreadable)?;
    if is_packed {
        body = unpack(&body)?;
    }
    // Windows' tools put it there; a parser may ignore it (RFC 8259 §8.1).
    if body.starts_with(b"\xEF\xBB\xBF") {
        body = body.slice(3..);
    }
    Ok(body)
}

/// A body without a type is refused, too: a foreign web page could send it without asking first (CORS preflight).
fn check_media_type(request: &HttpRequest) -> Result<(), ApiError> {
    let lines: Vec<_> =
        request.headers().get_all(CONTENT_TYPE).map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    // Two lines are no media type, even if they say the same.
    let sent = lines.join(", ");
    if is_taken(&sent, *request.method() == Method::PATCH) {
        return Ok(());
    }
    Err(ApiError::MediaType { sent: Some(sent).filter(|sent| !sent.is_empty()), method: request.method().clone() })
}

fn is_taken(media_type: &str, is_patch: bool) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_utf8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        let charset = value.trim_matches('"').to_ascii_lowercase();
        !name.eq_ignore_ascii_case("charset") || ["utf-8", "utf8", "us-ascii"].contains(&charset.as_str())
    });
    is_utf8
        && match essence.as_str() {
            "application/json" => true,
            "application/merge-patch+json" => is_patch,
            // Another format of patches: a list of operations (RFC 6902).
            "application/json-patch+json" => false,
            other => !is_patch && other.starts_with("application/") && other.ends_with("+json"),
        }
}

fn is_packed(request: &HttpRequest) -> Result<bool, ApiError> {
    let mut is_packed = false;
    for line in request.headers().get_all(CONTENT_ENCODING) {
        let text = String::from_utf8_lossy(line.as_bytes());
        for coding in text.split(',').map(|coding| coding.trim().to_ascii_lowercase()) {
            match coding.as_str() {
                "identity" => {}
                // The second is an old name of the first (RFC 9110 §8.4.1.3).
                "gzip" | "x-gzip" if !is_packed => is_packed = true,
                _ => return Err(ApiError::ContentCoding(text.into_owned())),
            }
        }
    }
    Ok(is_packed)
}

/// Stops unpacking at the limit, whatever a small body promises to become.
fn unpack(packed: &[u8]) -> Result<web::Bytes, ApiError> {
    let mut body = Vec::new();
    let unpacked = MultiGzDecoder::new(packed).take(MAX_BODY_BYTES as u64 + 1).read_to_end(&mut body);
    unpacked.map_err(|error| ApiError::Body(format!("it says it is gzip, and is not, or not whole ({error})")))?;
    if body.len() > MAX_BODY_BYTES { Err(ApiError::TooLarge) } else { Ok(body.into()) }
}

fn unreadable(error: actix_web::Error) -> ApiError {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => ApiError::TooLarge,
        Some(PayloadError::Incomplete(_) | PayloadError::EncodingCorrupted) => {
            ApiError::Body("it ended before it was complete".to_owned())
        }
        _ => ApiError::Body(error.to_string()),
    }
}

//! Answers from below HTTP: what is no request, or does not come in time, never reaches a handler.

use actix_web::http::StatusCode;
use serde_json::json;

use super::problems::Problem;

/// Name, status and detail of one refusal for each status.
const REFUSALS: [(&str, StatusCode, &str); 7] = [
    ("Malformed", StatusCode::BAD_REQUEST, "this is no request of HTTP/1.1"),
    ("TooSlow", StatusCode::REQUEST_TIMEOUT, "the body of the request did not come in time"),
    ("NoLength", StatusCode::LENGTH_REQUIRED, "a POST of HTTP/1.0 needs a Content-Length"),
    ("LongTarget", StatusCode::URI_TOO_LONG, "the first line of the request is too long"),
    ("LargeHead", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the head of the request is too large"),
    ("UnknownCoding", StatusCode::NOT_IMPLEMENTED, "the only transfer coding that is known here is chunked"),
    ("OtherVersion", StatusCode::HTTP_VERSION_NOT_SUPPORTED, "the version must be HTTP/1.1 (or 1.0)"),
];

/// Every refusal; each closes the connection.
pub(super) fn all() -> Vec<Problem> {
    let refusals = REFUSALS.iter().map(|(name, status, detail)| Problem {
        name,
        status: status.as_u16(),
        headers: Vec::new(),
        body: json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": detail,
        }),
    });
    refusals.collect()
}

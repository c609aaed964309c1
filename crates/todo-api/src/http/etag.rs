//! `ETag` (RFC 9110 §8.8.3): strong, the version plus a short hash of the body, so that a writer that forgets the
//! version cannot cause a wrong 304.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use xxhash_rust::xxh3::xxh3_64;

use crate::http::error::ApiError;
use crate::todos::Condition;

/// The tag of this body at this version.
pub fn etag(version: u64, body: &[u8]) -> HeaderValue {
    let hash = xxh3_64(body) as u32;
    HeaderValue::try_from(format!("\"{version}-{hash:08x}\"")).expect("digits and quotes are a header value")
}

/// Whether the sender has this body already (RFC 9110 §13.1.2: weak comparison).
pub fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    tags(headers, IF_NONE_MATCH).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == *etag)
}

/// What `If-Match` and `If-None-Match` ask of a write (RFC 9110 §13.1).
///
/// # Errors
/// [`ApiError::Condition`] if they ask for something that no write can promise: both, or `If-None-Match` with tags.
pub fn condition(headers: &HeaderMap) -> Result<Condition, ApiError> {
    let accepted: Vec<String> = tags(headers, IF_MATCH).map(str::to_owned).collect();
    let unwanted: Vec<&str> = tags(headers, IF_NONE_MATCH).collect();
    match (&accepted[..], &unwanted[..]) {
        ([], []) => Ok(Condition::Anything),
        ([], ["*"]) => Ok(Condition::Absent),
        // Strong comparison: a tag that begins with W/ matches nothing.
        (_, []) => Ok(Condition::Current(Box::new(move |version, body| {
            let now = etag(version, body);
            accepted.iter().any(|tag| tag == "*" || tag.as_str() == now)
        }))),
        _ => Err(ApiError::Condition),
    }
}

fn tags(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).filter_map(|value| value.to_str().ok());
    values.flat_map(|tags| tags.split(',')).map(str::trim).filter(|tag| !tag.is_empty())
}

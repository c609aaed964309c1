//! `ETag` (RFC 9110 §8.8.3): strong, the version plus a short hash of the body, so that a writer that forgets the
//! version cannot cause a wrong 304.

use actix_web::http::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};
use xxhash_rust::xxh3::xxh3_64;

/// The tag of this body at this version.
pub fn etag(version: u64, body: &[u8]) -> HeaderValue {
    let hash = xxh3_64(body) as u32;
    HeaderValue::try_from(format!("\"{version}-{hash:08x}\"")).expect("digits and quotes are a header value")
}

/// Whether the sender has this body already (RFC 9110 §13.1.2: weak comparison).
pub fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers.get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok()).any(|tags| {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == *etag)
    })
}

//! `Cache-Status` (RFC 9211): where an answer came from.

use std::fmt::Write;

use actix_web::http::header::{HeaderName, HeaderValue};
use cache_aside::{Answer, Detail, Outcome, Published};

/// The header's name.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// This cache's name in the header.
const NAME: &str = "todo-api";

/// What the header says of a read. `ttl` is in seconds, negative if stale (RFC 9211 §2.5).
pub fn of_read(answer: &Answer) -> HeaderValue {
    let ttl = answer.ttl_ms.div_euclid(1_000);
    let mut text = String::with_capacity(48);
    text.push_str(NAME);
    let written = match answer.outcome {
        Outcome::Hit if answer.detail == Some(Detail::L1) => write!(text, "; hit; ttl={ttl}; detail=l1"),
        Outcome::Hit => write!(text, "; hit; ttl={ttl}"),
        Outcome::Absent => write!(text, "; hit; ttl={ttl}; detail=absent"),
        Outcome::Stale => write!(text, "; hit; ttl={ttl}; detail={}", stale_detail(answer.detail)),
        Outcome::Miss => write!(text, "; fwd=miss{}", fill_detail(answer.detail)),
        _ => write!(text, "; fwd=bypass; detail={}", bypass_detail(answer.detail)),
    };
    written.expect("writing to a String does not fail");
    HeaderValue::try_from(text).expect("only visible ASCII was written")
}

/// What the header says of a write.
pub fn of_write(published: Published) -> HeaderValue {
    HeaderValue::from_static(match published {
        Published::Yes => "todo-api; fwd=method; stored",
        Published::Deferred => "todo-api; fwd=method; detail=publish-deferred",
        _ => "todo-api; fwd=method; detail=not-published",
    })
}

fn stale_detail(detail: Option<Detail>) -> &'static str {
    if detail == Some(Detail::StaleIfError) { "stale-if-error" } else { "stale" }
}

fn fill_detail(detail: Option<Detail>) -> &'static str {
    match detail {
        Some(Detail::Stored) => "; stored",
        Some(Detail::Collapsed) => "; stored; collapsed",
        _ => "",
    }
}

fn bypass_detail(detail: Option<Detail>) -> &'static str {
    if detail == Some(Detail::CacheOff) { "cache-off" } else { "cache-error" }
}

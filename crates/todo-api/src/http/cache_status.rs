//! `Cache-Status` (RFC 9211): where an answer came from.

use std::fmt::Write;

use actix_web::http::header::{HeaderName, HeaderValue};
use cache_aside::{Answer, Detail, Outcome, Published};

use crate::todos::Changed;

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

/// What the header says of a change.
pub fn of_change(changed: &Changed) -> HeaderValue {
    match changed {
        Changed::Written(written) => of_write(written.published),
        Changed::Unchanged { .. } => HeaderValue::from_static("todo-api; fwd=method; detail=unchanged"),
    }
}

/// What the header says of a read of many todos: where most work was done, and how many came from where. RFC 9211 has one
/// member for each cache, so the numbers stand in its `detail`.
pub fn of_many<'a>(answers: impl Iterator<Item = Option<&'a Answer>>) -> HeaderValue {
    let (mut hit, mut miss, mut bypass, mut failed) = (0, 0, 0, 0);
    for answer in answers {
        match answer.map(|answer| answer.outcome) {
            Some(Outcome::Hit | Outcome::Absent | Outcome::Stale) => hit += 1,
            Some(Outcome::Miss) => miss += 1,
            Some(_) => bypass += 1,
            None => failed += 1,
        }
    }
    let how = match (miss, bypass) {
        (0, 0) => "hit",
        (0, _) => "fwd=bypass",
        _ => "fwd=miss",
    };
    let counts = [("hit", hit), ("miss", miss), ("bypass", bypass), ("failed", failed)];
    let counts = counts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name}={count}"));
    let text = format!("{NAME}; {how}; detail=\"{}\"", counts.collect::<Vec<_>>().join(" "));
    HeaderValue::try_from(text).expect("only visible ASCII and spaces were written")
}

/// What the header says of a write.
fn of_write(published: Published) -> HeaderValue {
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

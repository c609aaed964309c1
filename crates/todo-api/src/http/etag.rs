//! `ETag` and the preconditions of a request, read from its headers (RFC 9110 §8.8.3, §13).

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};

use crate::entity_tag::{EntityTag, TagList};
use crate::http::error::{ApiError, READ_IT_AGAIN};
use crate::precondition::Preconditions;

/// The header's value of this tag.
pub fn header_value(tag: &EntityTag) -> HeaderValue {
    HeaderValue::try_from(tag.to_bytes()).expect("digits and quotes are a header value")
}

/// What `If-Match` and `If-None-Match` ask for. `If-Unmodified-Since` and `If-Modified-Since` are ignored, as they must be
/// where there is no date of modification (RFC 9110 §13.1.3, §13.1.4).
///
/// # Errors
/// [`ApiError::EntityTags`] if one of them is there and is no list of entity tags.
pub fn preconditions(headers: &HeaderMap) -> Result<Preconditions, ApiError> {
    Ok(Preconditions { if_match: tags(headers, IF_MATCH)?, if_none_match: tags(headers, IF_NONE_MATCH)? })
}

fn tags(headers: &HeaderMap, name: HeaderName) -> Result<Option<TagList>, ApiError> {
    let field = if name == IF_MATCH { "If-Match" } else { "If-None-Match" };
    let lines = headers.get_all(name).map(HeaderValue::as_bytes);
    TagList::parse(lines).map_err(|problem| ApiError::EntityTags { field, problem })
}

/// Why the preconditions of a request are false, as far as the request itself shows it.
pub fn why_not(preconditions: &Preconditions) -> &'static str {
    let Some(TagList::Tags(tags)) = &preconditions.if_match else { return READ_IT_AGAIN };
    if tags.iter().all(|tag| has_suffix(tag.opaque())) {
        return "the tag in If-Match has a suffix that this service never sends: a proxy that compresses put it there \
                (-gzip, ;gzip, --gzip); send the tag without it, or switch that off in the proxy";
    }
    if tags.iter().all(EntityTag::is_weak) {
        return "If-Match needs a strong tag, and W/ makes it weak: a proxy that compresses may have put it there; \
                send the tag without W/";
    }
    READ_IT_AGAIN
}

/// Whether this is a tag of ours (`VERSION-HASH`) with something behind it.
fn has_suffix(opaque: &[u8]) -> bool {
    let digits = opaque.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match &opaque[digits..] {
        [b'-', hash @ ..] if digits > 0 && hash.len() > 8 => hash[..8].iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

//! Headers of answers.

use serde_json::{Map, Value, json};

use super::schemas;
use crate::http::body::{CODING, PATCH_TYPES, TODO_TYPE};

/// Headers that every answer has.
pub(super) const EVERYWHERE: [&str; 3] = ["X-Request-Id", "Cache-Control", "X-Content-Type-Options"];

/// Name, description, pattern, example, and whether it is on every answer that is described with it.
type Header = (&'static str, &'static str, &'static str, String, bool);

const CACHE_STATUS: &str = "\
Where the answer came from (RFC 9211): `hit` (with the seconds it stays fresh in `ttl`, and `detail` `l1`, `absent`, `stale` or \
`stale-if-error`), `fwd=miss` (the store; `stored`, `collapsed`), `fwd=bypass` (the store, because the cache fails or is off), or \
`fwd=method` for a write (`stored`, `detail=publish-deferred`, `not-published`, `unchanged`). Of many todos, `detail` counts them.";

fn table() -> Vec<Header> {
    vec![
        (
            "X-Request-Id",
            "Names the request in the log: the sender's own, or a new one.",
            "^[!-~]{1,128}$",
            "5f0c6b8ad2f1e947".to_owned(),
            true,
        ),
        (
            "Cache-Control",
            "What a cache on the way may do. `no-store` unless it is a read of todos.",
            "^[ -~]*$",
            "no-cache".to_owned(),
            true,
        ),
        ("X-Content-Type-Options", "What a body is says its type alone.", "^nosniff$", "nosniff".to_owned(), true),
        (
            "WWW-Authenticate",
            "What the service wants to see (RFC 6750).",
            "^Bearer ",
            "Bearer realm=\"todo-api\"".to_owned(),
            true,
        ),
        (
            "ETag",
            "Version and hash of the todo, as `If-Match` and `If-None-Match` take them.",
            "^\"[0-9]+-[0-9a-f]{8}\"$",
            schemas::tag_example(),
            true,
        ),
        ("Cache-Status", CACHE_STATUS, "^todo-api; ", "todo-api; hit; ttl=57".to_owned(), true),
        ("Location", "Path of the todo.", "^/todos/.+$", "/todos/4711".to_owned(), true),
        ("Allow", "Methods that are possible.", "^[A-Z, ]+$", "GET, HEAD, OPTIONS".to_owned(), true),
        ("Retry-After", "Seconds to wait before trying again.", "^[0-9]+$", "1".to_owned(), true),
        ("Accept", "Types that the method takes.", "^.+$", TODO_TYPE.to_owned(), false),
        ("Accept-Patch", "Types that `PATCH` takes (RFC 5789).", "^.+$", PATCH_TYPES.to_owned(), false),
        ("Accept-Post", "Types that `POST` takes.", "^.+$", TODO_TYPE.to_owned(), false),
        ("Accept-Encoding", "Codings that a body may have.", "^.+$", CODING.to_owned(), false),
        (
            "Content-Security-Policy",
            "What the page may load: nothing that is not in it.",
            "^default-src 'none';",
            "default-src 'none'; connect-src 'self'".to_owned(),
            true,
        ),
    ]
}

/// Every header by its name.
pub(super) fn all() -> Value {
    let described = table().into_iter().map(|(name, description, pattern, example, required)| {
        let schema = json!({ "type": "string", "pattern": pattern });
        let header = json!({ "description": description, "required": required, "schema": schema, "example": example });
        (name.to_owned(), header)
    });
    described.collect::<Map<_, _>>().into()
}

/// The name as it is usually written.
pub(super) fn canonical(name: &str) -> &'static str {
    let known = table().into_iter().map(|header| header.0).find(|known| known.eq_ignore_ascii_case(name));
    known.expect("every header of a problem is in the table")
}

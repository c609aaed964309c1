//! What a request says besides its body.

use serde_json::{Value, json};
use todo_model::Version;

use super::{reference, schemas};
use crate::http::list::MAX_IDS;

/// A list of entity tags (RFC 9110 §13.1.1).
const TAGS: &str = r#"^(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*$"#;
/// Directives with or without arguments (RFC 9111 §5.2).
const DIRECTIVES: &str =
    r#"^[a-z-]+(=([0-9A-Za-z]+|"[ !#-\[\]-~]*"))?( *, *[a-z-]+(=([0-9A-Za-z]+|"[ !#-\[\]-~]*"))?)*$"#;

/// Every parameter by its name.
pub(super) fn all() -> Value {
    let header = |name: &str, description: &str, schema: Value, example: Value| json!({ "name": name, "in": "header", "description": description, "schema": schema, "example": example });
    let tag = schemas::tag_example();
    let tags = json!({ "anyOf": [{ "const": "*" }, { "type": "string", "pattern": TAGS }] });
    json!({
        "id": {
            "name": "id",
            "in": "path",
            "required": true,
            "description": "The todo's id, percent-encoded.",
            "schema": reference("schemas", "TodoId"),
            "example": "4711",
        },
        "any-id": {
            "name": "id",
            "in": "path",
            "required": true,
            "description": "Any text: it is not looked at.",
            "schema": { "type": "string", "minLength": 1, "pattern": "^[^/]+$" },
            "example": "4711",
        },
        "ids": {
            "name": "ids",
            "in": "query",
            "required": true,
            "description": "Ids, each percent-encoded by itself. `ids=1,2,3` is the same as `ids=1&ids=2&ids=3`: a comma inside an id is \
                            `%2C`, and `+` is a plus.",
            "style": "form",
            "explode": true,
            "schema": {
                "type": "array",
                "items": reference("schemas", "TodoId"),
                "minItems": 1,
                "maxItems": MAX_IDS,
            },
            "example": ["4711", "4712"],
        },
        "If-Match": header(
            "If-Match",
            "Only if the todo has one of these tags, or `*`: if there is one. Weak tags never match.",
            tags.clone(),
            tag.clone().into(),
        ),
        "If-None-Match": header(
            "If-None-Match",
            "A read is 304 if the todo has one of these tags. A write happens only if it has none of them, or `*`: if there is none.",
            tags.clone(),
            tag.into(),
        ),
        "Cache-Control": header(
            "Cache-Control",
            "`no-cache` reads the store and refills the cache. `only-if-cached` never reads the store: 504 if the cache has no \
             answer. Others mean nothing here.",
            json!({ "type": "string", "pattern": DIRECTIVES }),
            "no-cache".into(),
        ),
        "Min-Version": header(
            "Min-Version",
            "An answer at least as new as this version, which is the number in front of the `-` in `ETag`; 503 if there is none yet.",
            json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": Version::MAX.0 }),
            schemas::VERSION.into(),
        ),
        "X-Request-Id": header(
            "X-Request-Id",
            "Names the request in the log and in the answer. One that is not 1 to 128 visible characters of ASCII is replaced by a \
             new one.",
            json!({ "type": "string" }),
            "5f0c6b8ad2f1e947".into(),
        ),
    })
}

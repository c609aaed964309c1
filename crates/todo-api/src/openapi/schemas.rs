//! Bodies, with the limits that `todo-model` checks.

use serde_json::{Value, json};
use todo_model::{Todo, TodoId};

use super::reference;
use crate::entity_tag::EntityTag;
use crate::http::list::MAX_IDS;

/// Version of the todo in the examples.
pub(super) const VERSION: u64 = 1_882_768_805_986_343;

/// An id: no `/`, no control character, and neither `.` nor `..`.
const ID: &str = r"^(?!\.{1,2}$)[^/\u0000-\u001f\u007f-\u009f]+$";

/// Every schema by its name.
pub(super) fn all() -> Value {
    let id_or_none = json!({ "anyOf": [reference("schemas", "TodoId"), { "type": "null" }] });
    let name = json!({ "type": "string", "minLength": 1, "maxLength": Todo::MAX_NAME_CHARS });
    let description = json!({ "type": ["string", "null"], "maxLength": Todo::MAX_DESCRIPTION_CHARS });
    json!({
        "TodoId": {
            "description": format!(
                "1 to {} bytes of UTF-8 without `/` and control characters, and neither `.` nor `..`. (The length here counts characters, \
                 of which each is at least a byte.)",
                TodoId::MAX_BYTES
            ),
            "type": "string",
            "minLength": 1,
            "maxLength": TodoId::MAX_BYTES,
            "pattern": ID,
            "examples": ["4711"],
        },
        "Todo": {
            "description": "A todo. Its JSON has exactly these fields. Todos that another program wrote into the store \
                            may be over the limits of those that are sent here.",
            "type": "object",
            "properties": {
                "id": reference("schemas", "TodoId"),
                "name": { "type": "string" },
                "description": { "type": ["string", "null"] },
            },
            "required": ["id", "name", "description"],
            "additionalProperties": false,
        },
        "NewTodo": {
            "description": "A todo to be created. Fields that are not here are ignored.",
            "type": "object",
            "properties": { "id": id_or_none, "name": name, "description": description },
            "required": ["name"],
        },
        "Replacement": {
            "description": "A todo to take the place of another. Fields that are not here are ignored, but for an `id`, which must be \
                            that of the path.",
            "type": "object",
            "properties": { "name": name, "description": description },
            "required": ["name"],
        },
        "TodoPatch": {
            "description": "A JSON merge patch (RFC 7396). Fields that are not here are ignored, but for an `id`, which must be that of \
                            the path.",
            "type": "object",
            "properties": { "name": name, "description": description },
        },
        "Todos": {
            "description": "One member for each id, in the order asked for.",
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_IDS,
            "items": {
                "type": "object",
                "properties": {
                    "id": reference("schemas", "TodoId"),
                    "status": {
                        "description": "The status that a `GET` of this todo alone would have.",
                        "enum": [200, 404, 500, 502, 503, 504],
                    },
                    "etag": { "description": "Its `ETag`, if there is such a todo.", "type": ["string", "null"] },
                    "todo": { "anyOf": [reference("schemas", "Todo"), { "type": "null" }] },
                },
                "required": ["id", "status", "etag", "todo"],
                "additionalProperties": false,
            },
        },
        "Problem": {
            "description": "Problem details (RFC 9457).",
            "type": "object",
            "properties": {
                "type": { "const": "about:blank" },
                "title": { "description": "The status in words.", "type": "string", "minLength": 1 },
                "status": { "type": "integer", "minimum": 400, "maximum": 599 },
                "detail": { "description": "What was wrong, and what is allowed.", "type": "string", "minLength": 1 },
            },
            "required": ["type", "title", "status", "detail"],
            "additionalProperties": false,
        },
        "Live": {
            "type": "object",
            "properties": { "status": { "const": "live" } },
            "required": ["status"],
            "additionalProperties": false,
        },
        "Ready": ready(),
        "Cell": cell(),
    })
}

fn ready() -> Value {
    let count = |description: &str| json!({ "description": description, "type": "integer", "minimum": 0 });
    json!({
        "type": "object",
        "properties": {
            "status": { "enum": ["ready", "not ready", "stopping"] },
            "store": { "enum": ["up", "down"] },
            "store_breaker": {
                "description": "State of the breaker in front of the store, unless it is closed.",
                "enum": ["open", "half-open"],
            },
            "cache": { "enum": ["up", "read-only", "partial", "down", "off", "unknown"] },
            "cache_refusal": {
                "description": "Why the cache refuses writes, in its own words.",
                "type": "string",
            },
            "audit": {
                "description": "What the auditor has found, if it runs (`--audit-rate`).",
                "type": "object",
                "properties": {
                    "compared": count("Cached todos that were compared with the store."),
                    "wrong_1s": count("Those that were wrong for longer than a second."),
                    "wrong_10s": count("Those that were wrong for longer than 10 s."),
                    "wrong_60s": count("Those that were wrong for longer than a minute."),
                },
                "required": ["compared", "wrong_1s", "wrong_10s", "wrong_60s"],
                "additionalProperties": false,
            },
            "warming": {
                "description": "How far this process is with filling an empty cache, while it does (`--warm-ids`).",
                "type": "object",
                "properties": {
                    "done": count("Todos that were looked at."),
                    "of": count("Todos that are read most, and are to be looked at."),
                },
                "required": ["done", "of"],
                "additionalProperties": false,
            },
        },
        "required": ["status", "store", "cache"],
        "additionalProperties": false,
    })
}

fn example() -> Todo {
    Todo {
        id: TodoId::try_from("4711".to_owned()).expect("four digits are an id"),
        name: "Ada Lovelace".to_owned(),
        description: Some("Note G".to_owned()),
    }
}

/// A todo as it is answered.
pub(super) fn todo_example() -> Value {
    serde_json::from_slice(&example().to_json()).expect("a todo is JSON")
}

/// Its `ETag`.
pub(super) fn tag_example() -> String {
    EntityTag::of(VERSION, &example().to_json()).to_string()
}

/// Two members: a todo that is there, and one that is not.
pub(super) fn todos_example() -> Value {
    json!([
        { "id": "4711", "status": 200, "etag": tag_example(), "todo": todo_example() },
        { "id": "4712", "status": 404, "etag": null, "todo": null },
    ])
}

pub(super) fn live_example() -> Value {
    json!({ "status": "live" })
}

pub(super) fn ready_example(status: &str, store: &str) -> Value {
    json!({ "status": status, "store": store, "cache": "up" })
}

/// What the cache holds of one id.
fn cell() -> Value {
    let count = || json!({ "type": "integer", "minimum": 0 });
    json!({
        "description": "What the cache holds of an id, and who is at work on it. Times are in milliseconds.",
        "type": "object",
        "properties": {
            "id": reference("schemas", "TodoId"),
            "cache": { "enum": ["up", "down", "off"], "description": "Nothing is known of a cache that is `down`." },
            "cell": { "anyOf": [
                { "type": "null" },
                {
                    "type": "object",
                    "properties": {
                        "kind": { "enum": ["value", "absent", "tombstone"] },
                        "version": { "type": "integer", "minimum": 0, "description": "Of the value, or the floor." },
                        "bytes": count(),
                        "age_ms": count(),
                        "ttl_ms": { "type": ["integer", "null"], "description": "How long it is fresh yet; negative if that is over." },
                        "answers": {
                            "enum": ["fresh", "stale", "aged", "invalid", "no"],
                            "description": "`aged` only while the store is late or fails, `invalid` only while it is away.",
                        },
                    },
                    "required": ["kind", "version", "bytes", "age_ms", "ttl_ms", "answers"],
                    "additionalProperties": false,
                },
            ] },
            "lease": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": { "by": { "enum": ["filler", "writer"] }, "ends_in_ms": count() },
                    "required": ["by", "ends_in_ms"],
                    "additionalProperties": false,
                },
            },
            "has_l1": { "type": "boolean" },
            "in_l1": { "type": "boolean", "description": "Whether the process that answers would answer the id from its L1." },
            "pending": { "type": "boolean", "description": "Whether an invalidation of the id waits for the cache." },
        },
        "required": ["id", "cache", "cell", "lease", "has_l1", "in_l1", "pending"],
        "additionalProperties": false,
    })
}

/// A value with nobody at work.
pub(super) fn cell_example() -> Value {
    let cell = json!({ "kind": "value", "version": VERSION, "bytes": 59, "age_ms": 3012, "ttl_ms": 56988, "answers": "fresh" });
    json!({ "id": "4711", "cache": "up", "cell": cell, "lease": [], "has_l1": false, "in_l1": false, "pending": false })
}

/// Bodies of `POST`.
pub(super) fn new_examples() -> Value {
    json!({
        "new_id": { "summary": "Under a new id", "value": { "name": "Ada Lovelace", "description": "Note G" } },
        "own_id": { "summary": "Under an id of the client", "value": todo_example() },
    })
}

/// Bodies of `PUT`.
pub(super) fn replacement_examples() -> Value {
    json!({
        "both": { "summary": "Name and description", "value": { "name": "Ada Lovelace", "description": "Note G" } },
        "name_only": { "summary": "No description", "value": { "name": "Ada Lovelace" } },
    })
}

/// Bodies of `PATCH`.
pub(super) fn patch_examples() -> Value {
    json!({
        "another_name": { "summary": "Another name", "value": { "name": "Ada King" } },
        "no_description": { "summary": "No description any more", "value": { "description": null } },
    })
}

//! `Operation`: what a method of a path does.

use actix_web::http::Method;
use serde_json::{Map, Value, json};

use super::{answers, reference, schemas};
use crate::http::body::{CODING, MAX_BODY_BYTES, PATCH_TYPES, TODO_TYPE};
use crate::http::list::MAX_IDS;
use crate::http::routes::Resource;

/// Operations that the document tells apart; those that only read have one for `GET` and `HEAD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    Replace,
    Patch,
    Delete,
    ReadMany,
    Create,
    Livez,
    Readyz,
    Metrics,
    Document,
    Docs,
    Live,
    Cell,
    Forget,
    Options,
}

impl Operation {
    pub(super) fn of(resource: Resource, method: &Method) -> Self {
        match (resource, method.as_str()) {
            (_, "OPTIONS") => Self::Options,
            (Resource::Todo, "PUT") => Self::Replace,
            (Resource::Todo, "PATCH") => Self::Patch,
            (Resource::Todo, "DELETE") => Self::Delete,
            (Resource::Todo, _) => Self::Read,
            (Resource::Todos, "POST") => Self::Create,
            (Resource::Todos, _) => Self::ReadMany,
            (Resource::Livez, _) => Self::Livez,
            (Resource::Readyz, _) => Self::Readyz,
            (Resource::Metrics, _) => Self::Metrics,
            (Resource::Document, _) => Self::Document,
            (Resource::Docs, _) => Self::Docs,
            (Resource::Live, _) => Self::Live,
            (Resource::Cell, "DELETE") => Self::Forget,
            (Resource::Cell, _) => Self::Cell,
        }
    }

    /// Whether it asks the cache or the store for todos, and changes nothing.
    pub(super) fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadMany)
    }

    /// Whether its request carries a todo or a patch.
    pub(super) fn has_body(self) -> bool {
        matches!(self, Self::Create | Self::Replace | Self::Patch)
    }

    /// Whether it changes a todo.
    pub(super) fn writes(self) -> bool {
        self.has_body() || self == Self::Delete
    }

    /// Whether it is about the todo in its path.
    pub(super) fn is_of_one(self) -> bool {
        matches!(self, Self::Read | Self::Replace | Self::Patch | Self::Delete)
    }

    /// Whether it is about what the cache holds of the id in its path.
    pub(super) fn is_of_cell(self) -> bool {
        matches!(self, Self::Cell | Self::Forget)
    }

    pub(super) fn describe(self, resource: Resource, path: &str, method: &Method) -> Value {
        let (name, summary, description) = self.words();
        // Paths that are one and the same have operations of their own, and so has HEAD.
        let twin = if path.len() > 1 && path.ends_with('/') { "_slash" } else { "" };
        let (name, summary) = match method.as_str() {
            "HEAD" => (format!("{name}_head{twin}"), format!("{summary} (head only)")),
            "OPTIONS" => (format!("{name}_{resource:?}{twin}"), summary.to_owned()),
            _ => (format!("{name}{twin}"), summary.to_owned()),
        };
        let is_todos = matches!(resource, Resource::Todo | Resource::Todos);
        let mut operation = Map::new();
        operation.insert("operationId".to_owned(), name.to_ascii_lowercase().into());
        operation.insert("tags".to_owned(), json!([if is_todos { "todos" } else { "service" }]));
        operation.insert("summary".to_owned(), summary.into());
        operation.insert("description".to_owned(), description.into());
        operation.insert("responses".to_owned(), answers::of(self, resource, method));
        let id = match self {
            Self::Options => "any-id",
            _ => "id",
        };
        let names = path.contains("{id}").then_some(id).into_iter().chain(self.parameters().iter().copied());
        let parameters: Vec<Value> = names.map(|name| reference("parameters", name)).collect();
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), parameters.into());
        }
        if self.writes() || self == Self::Forget {
            // Only where the service was started with a token.
            operation.insert("security".to_owned(), json!([{}, { "WriteToken": [] }]));
        }
        if let Some(body) = self.body() {
            operation.insert("requestBody".to_owned(), body);
        }
        operation.into()
    }

    /// Name, summary and description.
    fn words(self) -> (&'static str, &'static str, String) {
        let words = |name, summary, description: &str| (name, summary, description.to_owned());
        match self {
            Self::Read => words(
                "read_todo",
                "Read a todo",
                "From the cache if it holds the todo, else from the store; `Cache-Status` says which.",
            ),
            Self::Replace => words(
                "replace_todo",
                "Replace a todo, or create it",
                "An `id` in the body must be that of the path. With `If-Match` nothing is created; with `If-None-Match: *` \
                 nothing is replaced.",
            ),
            Self::Patch => words(
                "patch_todo",
                "Change some fields of a todo",
                "A JSON merge patch (RFC 7396): a description of `null` removes it, a field that is left out stays. A patch that \
                 changes nothing keeps the version. An `id` in the body must be that of the path.",
            ),
            Self::Delete => words("delete_todo", "Delete a todo", "Later reads of the id are 404."),
            Self::ReadMany => (
                "read_todos",
                "Read many todos",
                format!(
                    "Up to {MAX_IDS} todos in the order asked for, each with the status that a `GET` of it alone would have. An error \
                     only if none of them can be answered."
                ),
            ),
            Self::Create => words(
                "create_todo",
                "Create a todo",
                "Under the id in the body, or under a new one (a UUIDv7) if there is none. Never replaces a todo. `If-Match` is \
                 always false, since there is nothing yet.",
            ),
            Self::Livez => words("live", "Whether the process is up", "Asks neither the store nor the cache."),
            Self::Readyz => words(
                "ready",
                "Whether the service can answer",
                "The store must answer and the process must not be about to end. The cache is told of, not required.",
            ),
            Self::Metrics => {
                words("metrics", "What the service counts", "For Prometheus, in the format that `Accept` asks for.")
            }
            Self::Document => words("openapi", "This document", "As the running process was built and set up."),
            Self::Docs => words(
                "docs",
                "A page to read this document",
                "And to try each call. It loads nothing from other hosts.",
            ),
            Self::Live => words(
                "live_page",
                "A page that shows the cache at work",
                "It needs nothing besides itself. To who accepts `text/event-stream`: the pictures that it shows, one a second, as \
                 server-sent events `picture`, until somebody hangs up.",
            ),
            Self::Cell => words(
                "inspect_cell",
                "What the cache holds of an id",
                "And who is at work on it. It changes nothing, and counts as no read.",
            ),
            Self::Forget => words(
                "forget_cell",
                "Remove what the cache holds of an id",
                "As if it had been evicted: the next read asks the store, which is as it was.",
            ),
            Self::Options => words(
                "options",
                "What is possible here",
                "`Allow` lists the methods. With `--cors-origin` it also answers the preflight of a browser.",
            ),
        }
    }

    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Read => &["If-None-Match", "If-Match", "Cache-Control", "Min-Version"],
            Self::ReadMany => &["ids", "Cache-Control", "Min-Version"],
            Self::Create | Self::Replace | Self::Patch | Self::Delete => &["If-Match", "If-None-Match"],
            _ => &[],
        }
    }

    fn body(self) -> Option<Value> {
        let (schema, types, examples) = match self {
            Self::Create => ("NewTodo", TODO_TYPE, schemas::new_examples()),
            Self::Replace => ("Replacement", TODO_TYPE, schemas::replacement_examples()),
            Self::Patch => ("TodoPatch", PATCH_TYPES, schemas::patch_examples()),
            _ => return None,
        };
        let content: Map<String, Value> = types
            .split(", ")
            .map(|media_type| {
                let content = json!({ "schema": reference("schemas", schema), "examples": examples });
                (media_type.to_owned(), content)
            })
            .collect();
        Some(json!({
            "required": true,
            "description": format!(
                "At most {MAX_BODY_BYTES} bytes, as it is sent and unpacked: enough for every todo within its limits, also when each \
                 character is sent as an escape. It may be packed (`Content-Encoding: {CODING}`). Fields that are not here are ignored."
            ),
            "content": content,
        }))
    }
}

//! The OpenAPI 3.1 document, made from what the service itself runs on: the table of its routes, its errors, the names of its
//! headers and its limits. Nothing that the code knows is written down here a second time.
//!
//! - `operation`: what each method of each path does. `answers`: with which statuses.
//! - `parameters`, `headers`, `schemas`: what operations share.
//! - `problems`: errors as the service itself writes them. `refusals`: those from below HTTP.

mod answers;
mod headers;
mod operation;
mod parameters;
mod problems;
mod refusals;
mod schemas;

use actix_web::http::Method;
use serde_json::{Map, Value, json};

use self::operation::Operation;
use crate::http::routes::Resource;

/// The version of the specification that the document follows.
const OPENAPI: &str = "3.1.1";

const DESCRIPTION: &str = "\
Todos, read through a cache. Errors are problem details (RFC 9457, `application/problem+json`) with a `detail` that says what was \
wrong and what is allowed.

- A path that is not here is 404, a method that is not possible is 405 with `Allow`. `OPTIONS` of each path says what is possible.
- Every answer has an `X-Request-Id`, which the log has, too.
- `ETag` holds the version of a todo. `If-Match` and `If-None-Match` make a write happen only to what its sender has seen. What is \
  there and cannot be used (an empty `If-Match`, a `Min-Version` that is no number) is 400, and nothing is written.
- `Cache-Status` (RFC 9211) says where an answer came from.
";

/// The document of a listener with these resources.
pub fn document(resources: &[Resource]) -> Value {
    let paths: Map<String, Value> = resources
        .iter()
        .flat_map(|resource| resource.paths().iter().map(|path| ((*path).to_owned(), path_item(*resource, path))))
        .collect();
    json!({
        "openapi": OPENAPI,
        "info": {
            "title": "Todos",
            "summary": "A todo service that does cache-aside right.",
            "description": DESCRIPTION,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/", "description": "The service that this document comes from." }],
        "tags": [
            { "name": "todos", "description": "Todos, one at a time or many." },
            { "name": "service", "description": "The service itself: probes, metrics, this document." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "parameters": parameters::all(),
            "headers": headers::all(),
            "responses": answers::elsewhere(),
            "examples": problems::examples(),
            "securitySchemes": {
                "WriteToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Needed for writes where the service was started with `--write-token`.",
                },
            },
        },
    })
}

fn path_item(resource: Resource, path: &str) -> Value {
    let mut item = Map::new();
    item.insert("parameters".to_owned(), json!([reference("parameters", "X-Request-Id")]));
    for method in resource.methods().iter().chain([&Method::OPTIONS]) {
        let operation = Operation::of(resource, method);
        item.insert(method.as_str().to_ascii_lowercase(), operation.describe(resource, path, method));
    }
    item.into()
}

/// Points to one of the components.
fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

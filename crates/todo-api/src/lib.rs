//! The HTTP service: todos from the store, through the cache.
//!
//! - [`settings`]: every flag, and the environment variable beside it.
//! - [`telemetry`]: the log.
//! - [`app`]: the composition root; tests and `main` call it.
//! - [`http`]: routes, handlers, headers and errors; the only part that knows actix besides `app` and `drain`.
//! - [`todos`]: cache and store joined.
//! - [`entity_tag`], [`precondition`]: what `ETag`, `If-Match` and `If-None-Match` say.
//! - [`drain`]: ending without losing a request.

pub mod app;
pub mod drain;
pub mod entity_tag;
pub mod http;
pub mod precondition;
pub mod settings;
pub mod telemetry;
pub mod todos;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

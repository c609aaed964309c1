//! The HTTP service: todos from the store, through the cache.
//!
//! - [`program`]: what the command line asks for. [`check`]: whether store and cache are there and allow what is needed.
//! - [`settings`]: every flag, and the environment variable beside it. `options`: what they say, as engine and store take it.
//! - [`telemetry`]: the log.
//! - [`limited_log`]: log lines that are counted rather than repeated.
//! - [`error`]: why the service does not start.
//! - [`app`]: the composition root; tests and `main` call it. [`cache_access`]: how Redis is reached, in terms of the flags.
//! - [`http`]: routes, handlers, headers and errors; the only part that knows actix besides `app` and `server`.
//! - [`todos`]: cache and store joined. `observed`: what is to be seen of them besides. [`stored_todos`]: the store as the cache engine sees it.
//! - [`live`]: the page that shows the cache at work. [`page`]: what it and `docs` have in common.
//! - [`metrics`]: what `/metrics` says. [`openapi`]: the API described for programs. [`docs`]: the page to read that and try it.
//! - [`traces`]: what a request did, step by step, for a collector of traces.
//! - [`entity_tag`], [`precondition`]: what `ETag`, `If-Match` and `If-None-Match` say.
//! - [`listen`], [`descriptors`]: sockets and file descriptors of the process.
//! - `server`: workers. [`connection`]: connections below HTTP: deadlines, bounds, refusals.
//! - [`tls`]: TLS on the listener.
//! - `hex`: hexadecimal digits. `hot_todos`: which todos are read most is kept in the store.
//! - `refused`: ids whose documents are no todos.
//! - [`drain`]: ending without losing a request.

pub mod app;
pub mod cache_access;
pub mod check;
pub mod connection;
pub mod descriptors;
pub mod docs;
pub mod drain;
pub mod entity_tag;
pub mod error;
mod hex;
mod hot_todos;
pub mod http;
pub mod limited_log;
pub mod listen;
pub mod live;
pub mod metrics;
mod observed;
pub mod openapi;
mod options;
pub mod page;
pub mod precondition;
pub mod program;
mod refused;
mod server;
pub mod settings;
pub mod stored_todos;
pub mod telemetry;
pub mod tls;
pub mod todos;
pub mod traces;

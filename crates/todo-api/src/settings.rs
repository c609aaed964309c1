//! `Settings`: every flag, and the environment variable beside it.

use std::path::PathBuf;
use std::time::Duration;

use actix_web::http::header::HeaderName;
use cache_aside::{CacheUrl, Options, Warming};
use clap::{Parser, ValueEnum};
use command_line::{Usage, values};
use todo_store::StoreUrl;

use crate::http::admission::WriteToken;
use crate::listen::Address;
use crate::traces::endpoint::CollectorUrl;

/// A todo service that reads through a cache: GET /todos/{id} asks the cache first, then the store.
#[derive(Debug, Clone, Parser)]
#[command(version, about)]
pub struct Settings {
    /// What to do instead of serving.
    #[arg(value_name = "ACTION")]
    pub action: Option<Action>,

    /// Where to listen: HOST:PORT, :PORT (every address of this machine) or unix:PATH; port 0 takes a free one.
    #[arg(long, env = "TODO_LISTEN", default_value = "127.0.0.1:8000", value_name = "ADDRESS")]
    pub listen: Address,

    /// Certificate (PEM) that clients are shown, with those between it and its authority: the service then speaks TLS. Read again when
    /// it changes.
    #[arg(long, env = "TODO_TLS_CERT_FILE", value_name = "FILE", requires = "tls_key_file")]
    pub tls_cert_file: Option<PathBuf>,

    /// Private key (PEM) of that certificate.
    #[arg(long, env = "TODO_TLS_KEY_FILE", value_name = "FILE", requires = "tls_cert_file")]
    pub tls_key_file: Option<PathBuf>,

    /// Where `/metrics` is answered, without TLS; by default where everything else is.
    #[arg(long, env = "TODO_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<Address>,

    /// Whether `/docs` (a page to read the API and try each call) and `/openapi.json` are answered: on or off.
    #[arg(long, env = "TODO_DOCS", default_value = "on", value_name = "on|off", value_parser = values::on_off, action = clap::ArgAction::Set)]
    pub docs: bool,

    /// Whether `/live` (a page that shows the cache at work) and what is below it are answered: on or off.
    #[arg(long, env = "TODO_LIVE", default_value = "on", value_name = "on|off", value_parser = values::on_off, action = clap::ArgAction::Set)]
    pub live: bool,

    /// Where traces are sent to, by OTLP over HTTP [default: nowhere, unless OTEL_EXPORTER_OTLP_ENDPOINT says so].
    #[arg(long, env = "TODO_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<CollectorUrl>,

    /// Share of the requests that are traced where their sender does not say (by `traceparent`): from 0 to 1.
    #[arg(long, env = "TODO_TRACE_RATIO", default_value = "1", value_name = "RATIO", value_parser = crate::traces::ratio)]
    pub trace_ratio: f64,

    /// Web origin whose pages may call the service (CORS): `https://app.example`, or `*` for any. May be given more than once.
    #[arg(long, env = "TODO_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', value_parser = crate::http::cors::origin)]
    pub cors_origin: Vec<String>,

    /// How long a client may take to send the head of a request.
    #[arg(long, env = "TODO_HEAD_TIMEOUT", default_value = "10s", value_name = "DURATION", value_parser = values::duration)]
    pub head_timeout: Duration,

    /// How long a client may take to send the body of a request, or to take its answer.
    #[arg(long, env = "TODO_BODY_TIMEOUT", default_value = "30s", value_name = "DURATION", value_parser = values::duration)]
    pub body_timeout: Duration,

    /// How long a connection may be idle between two requests.
    #[arg(long, env = "TODO_KEEP_ALIVE", default_value = "75s", value_name = "DURATION", value_parser = values::duration)]
    pub keep_alive: Duration,

    /// Connections at one time; beyond that the slowest and the longest idle are closed.
    #[arg(long, env = "TODO_MAX_CONNECTIONS", default_value = "10000", value_name = "N", value_parser = values::positive)]
    pub max_connections: usize,

    /// Requests for todos that are answered at one time; further ones get 503 at once. Probes and scrapes do not count.
    #[arg(long, env = "TODO_MAX_IN_FLIGHT", default_value = "4096", value_name = "N", value_parser = values::positive)]
    pub max_in_flight: usize,

    /// Bytes of lists (GET /todos?ids=…) that their clients have not taken yet, at one time; a further list gets 503.
    #[arg(long, env = "TODO_MAX_LIST_BYTES", default_value = "268435456", value_name = "BYTES", value_parser = values::positive)]
    pub max_list_bytes: usize,

    /// Requests for todos that one client may send to this process a second, and as many at once; further ones get 429. A client is an
    /// IPv4 address, or the first 64 bits of an IPv6 address. 0/s: no bound.
    #[arg(long, env = "TODO_CLIENT_RATE", default_value = "0/s", value_name = "N/s", value_parser = values::per_second)]
    pub client_rate: u32,

    /// Header by which the proxy in front says who its client is, like X-Forwarded-For: the last address in it counts. Without a proxy
    /// that sets it, clients would be who they say they are.
    #[arg(long, env = "TODO_CLIENT_ADDRESS", value_name = "HEADER", requires = "client_rate", value_parser = crate::http::rate_limit::header)]
    pub client_address: Option<HeaderName>,

    /// Token without which nobody may write: POST, PUT, PATCH and DELETE need `Authorization: Bearer TOKEN`. Better in a file that
    /// TODO_WRITE_TOKEN_FILE names than on a command line, which everybody on the machine can read.
    #[arg(long, env = "TODO_WRITE_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = crate::http::admission::write_token)]
    pub write_token: Option<WriteToken>,

    /// The primary database: mongodb://…, mongodb+srv://… or redb:PATH.
    #[arg(
        long,
        env = "TODO_STORE",
        default_value = "redb:data/todos.redb",
        value_name = "URL",
        hide_env_values = true
    )]
    pub store: StoreUrl,

    /// MongoDB database [default: the one in the URL of the store, else test].
    #[arg(long, env = "TODO_DATABASE", value_name = "NAME", value_parser = values::database_name)]
    pub database: Option<String>,

    /// Password of the user in MongoDB's connection string (mongodb://USER@HOST), read at the start.
    #[arg(long, env = "TODO_STORE_PASSWORD_FILE", value_name = "FILE")]
    pub store_password_file: Option<PathBuf>,

    /// MongoDB collection.
    #[arg(long, env = "TODO_COLLECTION", default_value = "todos", value_name = "NAME", value_parser = values::collection_name)]
    pub collection: String,

    /// The cache: redis://…, rediss://… (TLS), redis+sentinel://HOST,…/NAME, rediss+sentinel://…, redis+cluster://HOST:PORT,… (a Redis
    /// Cluster), rediss+cluster://…, memory: (in this process) or none:.
    #[arg(long, env = "TODO_CACHE", default_value = "memory:", value_name = "URL", hide_env_values = true)]
    pub cache: CacheUrl,

    /// Certificates (PEM) of the authorities that Redis' certificate may be of; by default those that the system trusts.
    #[arg(long, env = "TODO_CACHE_CA_FILE", value_name = "FILE")]
    pub cache_ca_file: Option<PathBuf>,

    /// Certificate (PEM) that Redis is shown, with those between it and its authority.
    #[arg(long, env = "TODO_CACHE_CERT_FILE", value_name = "FILE")]
    pub cache_cert_file: Option<PathBuf>,

    /// Private key (PEM) of that certificate.
    #[arg(long, env = "TODO_CACHE_KEY_FILE", value_name = "FILE")]
    pub cache_key_file: Option<PathBuf>,

    /// Password of the user in the URL of the cache, or of the default user. This file and the ones above are read again for each
    /// new connection.
    #[arg(long, env = "TODO_CACHE_PASSWORD_FILE", value_name = "FILE")]
    pub cache_password_file: Option<PathBuf>,

    /// Password of the sentinels; likewise.
    #[arg(long, env = "TODO_CACHE_SENTINEL_PASSWORD_FILE", value_name = "FILE")]
    pub cache_sentinel_password_file: Option<PathBuf>,

    /// First part of every key in Redis. Services that share a Redis need different ones.
    #[arg(long, env = "TODO_CACHE_PREFIX", default_value = "todo", value_name = "TEXT")]
    pub cache_prefix: String,

    /// Bytes that the in-process cache may hold.
    #[arg(long, env = "TODO_CACHE_MAX_BYTES", default_value_t = Options::default().memory_max_bytes, value_name = "BYTES")]
    pub cache_max_bytes: u64,

    /// What a write does to the cache.
    #[arg(long, env = "TODO_WRITE_POLICY", default_value = "through", value_name = "POLICY")]
    pub write_policy: WritePolicyFlag,

    /// Whether what others write to the store is noticed at once, by its change stream: on or off.
    #[arg(long, env = "TODO_CHANGE_STREAM", default_value = "on", value_name = "on|off", value_parser = values::on_off, action = clap::ArgAction::Set)]
    pub change_stream: bool,

    /// How long a todo is answered from this process without asking Redis (L1); 0s switches it off.
    #[arg(long, env = "TODO_L1_TTL", default_value = "0s", value_name = "DURATION", value_parser = values::duration_or_zero)]
    pub l1_ttl: Duration,

    /// Bytes that L1 may hold.
    #[arg(long, env = "TODO_L1_MAX_BYTES", default_value_t = Options::default().l1_max_bytes, value_name = "BYTES")]
    pub l1_max_bytes: u64,

    /// How long a todo is answered from the cache without asking the store, where no change stream tells of what others write.
    #[arg(long, env = "TODO_FRESH", default_value = "60s", value_name = "DURATION", value_parser = values::duration)]
    pub fresh: Duration,

    /// The same while the change stream is live [default: 10m, or `--fresh` where that is longer].
    #[arg(long, env = "TODO_FRESH_LIVE", value_name = "DURATION", value_parser = values::duration)]
    pub fresh_live: Option<Duration>,

    /// How long past that it is kept for outages of the store.
    #[arg(long, env = "TODO_KEEP", default_value = "300s", value_name = "DURATION", value_parser = values::duration)]
    pub keep: Duration,

    /// How long the absence of a todo is answered from the cache without asking the store.
    #[arg(long, env = "TODO_ABSENT", default_value = "5s", value_name = "DURATION", value_parser = values::duration)]
    pub absent: Duration,

    /// Deadline of one operation on the store.
    #[arg(long, env = "TODO_STORE_TIMEOUT", default_value = "2s", value_name = "DURATION", value_parser = values::duration)]
    pub store_timeout: Duration,

    /// How long a GET whose todo is cached, but too old, waits for the store before it is answered as it is (stale).
    #[arg(long, env = "TODO_STORE_SOFT_TIMEOUT", default_value = "250ms", value_name = "DURATION", value_parser = values::duration_or_zero)]
    pub store_soft_timeout: Duration,

    /// Reads of the store at one time; further ones wait. MongoDB: there is a connection for each, and 36 for everything else.
    #[arg(long, env = "TODO_STORE_CONCURRENCY", default_value = "64", value_name = "N", value_parser = values::positive)]
    pub store_concurrency: usize,

    /// Todos that the store is asked for by one query, of GETs that miss at the same moment; never more than half of
    /// `--store-concurrency`. 1: each by its own.
    #[arg(long, env = "TODO_STORE_BATCH", default_value = "64", value_name = "N", value_parser = values::positive)]
    pub store_batch: usize,

    /// How long a read of the store waits for its turn, before it gets 503.
    #[arg(long, env = "TODO_STORE_QUEUE", default_value = "1s", value_name = "DURATION", value_parser = values::duration_or_zero)]
    pub store_queue: Duration,

    /// Deadline of one round trip to Redis; beyond it the store is asked.
    #[arg(long, env = "TODO_REDIS_TIMEOUT", default_value = "500ms", value_name = "DURATION", value_parser = values::duration)]
    pub redis_timeout: Duration,

    /// How long a write waits for the cache before it is acknowledged all the same.
    #[arg(long, env = "TODO_PUBLISH_TIMEOUT", default_value = "20ms", value_name = "DURATION", value_parser = values::duration)]
    pub publish_timeout: Duration,

    /// Cached todos that are compared with the store, N a second (0: none); `/readyz` counts those that stay wrong.
    #[arg(long, env = "TODO_AUDIT_RATE", default_value = "0/s", value_name = "N/s", value_parser = values::per_second)]
    pub audit_rate: u32,

    /// Todos that are read most, and are loaded at once whenever the cache is empty (0: none).
    #[arg(long, env = "TODO_WARM_IDS", default_value_t = Warming::default().ids, value_name = "N", value_parser = crate::hot_todos::count)]
    pub warm_ids: usize,

    /// How many of them are loaded in a second at most.
    #[arg(long, env = "TODO_WARM_RATE", default_value = "2000/s", value_name = "N/s", value_parser = values::per_second)]
    pub warm_rate: u32,

    /// Cache-Control of answers to GET.
    #[arg(long, env = "TODO_CACHE_CONTROL", default_value = "no-cache", value_name = "TEXT", value_parser = header_value)]
    pub cache_control: String,

    /// Worker threads; by default one for each core.
    #[arg(long, env = "TODO_WORKERS", value_name = "N", value_parser = values::positive)]
    pub workers: Option<usize>,

    /// How long requests in flight may take to finish after SIGTERM or SIGINT.
    #[arg(long, env = "TODO_SHUTDOWN_TIMEOUT", default_value = "10s", value_name = "DURATION", value_parser = values::duration)]
    pub shutdown_timeout: Duration,

    /// What is logged: error, warn, info, debug or trace, also per module (info,cache_aside=debug).
    #[arg(long, env = "TODO_LOG", default_value = "info,actix_server=warn", value_name = "FILTER", value_parser = crate::telemetry::filter)]
    pub log: String,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Action {
    /// Opens store and cache, says in a line each what is wrong, and ends: with exit code 0 if nothing is, else 1.
    Check,
}

/// What a write does to the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WritePolicyFlag {
    /// The cache holds what was written before the write is acknowledged.
    Through,
    /// The cache forgets the old value before the write is acknowledged; the next read fills.
    Invalidate,
    /// The cache is not told: cached todos are old for up to the fresh time.
    None,
}

impl Settings {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// A wrong value, or a call for help or version: [`Usage::print`] says it and gives the exit code.
    pub fn from_command_line() -> Result<Self, Usage> {
        command_line::parse()
    }
}

fn header_value(text: &str) -> Result<String, String> {
    let visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if visible { Ok(text.to_owned()) } else { Err("must be visible ASCII".to_owned()) }
}

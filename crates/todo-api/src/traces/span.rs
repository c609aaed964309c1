//! `RequestSpan` and its steps: what takes time, and what is known of it. Names and attributes are those of OpenTelemetry's semantic
//! conventions for HTTP servers and database clients, where they have one.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, USER_AGENT};
use actix_web::http::{StatusCode, Version};
use cache_aside::trace::{Span, Step};

use super::Tracer;
use super::context::{Context, hex};
use super::steps::{On, describe};
use crate::metrics::requests;

/// The longest text of an attribute, in bytes: clients choose paths and agents.
const MAX_TEXT: usize = 1_024;

/// A span that has ended.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    pub(super) parent: Option<u64>,
    pub(super) parent_is_remote: bool,
    pub(super) trace_state: String,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    pub(super) began_ns: u64,
    pub(super) ended_ns: u64,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) failed: bool,
    pub(super) why: Option<String>,
}

/// On which side of a call a span is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Inside this process.
    Internal = 1,
    /// The side that answers.
    Server = 2,
    /// The side that asks.
    Client = 3,
}

/// What an attribute says.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A text.
    Text(Cow<'static, str>),
    /// A whole number.
    Number(u64),
    /// A list with one text in it, as headers are.
    OneText(String),
}

/// The span of one request.
pub struct RequestSpan(Arc<Active>);

/// A span that has not ended. Ends when it is dropped, if not before.
struct Active {
    tracer: Tracer,
    clock: Clock,
    began: Instant,
    trace_id: u128,
    span_id: u64,
    record: Mutex<Option<Record>>,
}

/// Moments of one trace, by one look at the clock: its spans fit into each other even if the clock is set meanwhile.
#[derive(Clone, Copy)]
struct Clock {
    at_ns: u64,
    at: Instant,
}

impl RequestSpan {
    pub(super) fn begin(tracer: Tracer, context: &Context, request: &HttpRequest, route: &'static str) -> Arc<Self> {
        let method = requests::name(request.method());
        let named = if route == "(none)" { None } else { Some(route) };
        let (semantic, shown) = if method == "other" { ("_OTHER", "HTTP") } else { (method, method) };
        let mut attributes = vec![
            ("http.request.method", text(semantic)),
            ("url.scheme", text("http")),
            ("url.path", bounded(request.uri().path())),
            ("network.protocol.version", text(if request.version() == Version::HTTP_10 { "1.0" } else { "1.1" })),
        ];
        if semantic == "_OTHER" {
            attributes.push(("http.request.method_original", bounded(request.method().as_str())));
        }
        attributes.extend(request.uri().query().map(|query| ("url.query", bounded(query))));
        attributes.extend(named.map(|route| ("http.route", text(route))));
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        attributes.extend(header(USER_AGENT).map(|agent| ("user_agent.original", bounded(agent))));
        if let Some(authority) = header(HOST).and_then(|host| host.parse::<actix_web::http::uri::Authority>().ok()) {
            attributes.push(("server.address", bounded(authority.host())));
            attributes.extend(authority.port_u16().map(|port| ("server.port", Value::Number(port.into()))));
        }
        let name = named.map_or(Cow::Borrowed(shown), |route| format!("{shown} {route}").into());
        let clock = Clock::now();
        let record = Record {
            trace_id: context.trace_id,
            span_id: new_span_id(),
            parent: context.parent,
            parent_is_remote: context.parent.is_some(),
            trace_state: context.state.clone(),
            name,
            kind: Kind::Server,
            began_ns: clock.at_ns,
            ended_ns: 0,
            attributes,
            failed: false,
            why: None,
        };
        Arc::new(Self(Active::new(tracer, clock, record)))
    }

    /// Name of the trace, as it stands in logs.
    pub(crate) fn trace_id(&self) -> String {
        hex(self.0.trace_id)
    }

    /// The request is answered.
    pub(crate) fn answered(&self, status: StatusCode, outcome: &'static str, request_id: &str) {
        self.0.change(|record| {
            record.attributes.push(("http.response.status_code", Value::Number(status.as_u16().into())));
            record.attributes.push(("http.response.header.x-request-id", Value::OneText(request_id.to_owned())));
            if !outcome.is_empty() {
                record.attributes.push(("cache.outcome", text(outcome)));
            }
            // What a client does wrong is no error of a server's span (semantic conventions, "HTTP server span status").
            if status.is_server_error() {
                record.failed = true;
                record.attributes.push(("error.type", status.as_str().to_owned().into()));
            }
        });
        self.0.end();
    }

    /// The client went away before its answer.
    pub(crate) fn abandoned(&self) {
        self.0.change(|record| record.attributes.push(("error.type", text("client_disconnected"))));
        self.0.end();
    }
}

impl Span for RequestSpan {
    fn begin(&self, step: Step) -> Arc<dyn Span> {
        self.0.begin_step(step)
    }

    fn result(&self, _: &'static str) {}

    fn fail(&self, _: &dyn Display) {}
}

/// One step inside a request.
struct StepSpan(Arc<Active>);

impl Span for StepSpan {
    fn begin(&self, step: Step) -> Arc<dyn Span> {
        self.0.begin_step(step)
    }

    fn result(&self, word: &'static str) {
        self.0.change(|record| {
            record.attributes.retain(|(key, _)| *key != "cache.result");
            record.attributes.push(("cache.result", text(word)));
        });
    }

    fn fail(&self, why: &dyn Display) {
        let why = cut(&why.to_string()).to_owned();
        self.0.change(|record| (record.failed, record.why) = (true, Some(why)));
    }
}

impl Active {
    fn new(tracer: Tracer, clock: Clock, record: Record) -> Arc<Self> {
        let (trace_id, span_id) = (record.trace_id, record.span_id);
        Arc::new(Self { tracer, clock, began: Instant::now(), trace_id, span_id, record: Mutex::new(Some(record)) })
    }

    fn begin_step(&self, step: Step) -> Arc<dyn Span> {
        let systems = &self.tracer.0.systems;
        let (name, on, ids) = describe(step);
        let system = match on {
            On::Store => Some(systems.store),
            On::Cache => systems.cache,
            On::Neither => None,
        };
        let mut attributes = Vec::new();
        if let Some(system) = system {
            attributes.push(("db.system.name", text(system.name)));
            if let On::Store = on {
                attributes.push(("db.collection.name", systems.collection.clone().into()));
            }
        }
        // A batch of one is none (semantic conventions, `db.operation.batch.size`).
        if ids > 1 {
            attributes.push(("db.operation.batch.size", Value::Number(ids as u64)));
        }
        let record = Record {
            trace_id: self.trace_id,
            span_id: new_span_id(),
            parent: Some(self.span_id),
            parent_is_remote: false,
            trace_state: String::new(),
            name: Cow::Borrowed(name),
            kind: if system.is_some_and(|system| system.is_remote) { Kind::Client } else { Kind::Internal },
            began_ns: self.clock.now_ns(Instant::now()),
            ended_ns: 0,
            attributes,
            failed: false,
            why: None,
        };
        Arc::new(StepSpan(Self::new(self.tracer.clone(), self.clock, record)))
    }

    fn change(&self, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.record.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            change(record);
        }
    }

    fn end(&self) {
        let Some(mut record) = self.record.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        record.ended_ns = record.began_ns + self.began.elapsed().as_nanos() as u64;
        self.tracer.0.queue.add(record);
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.end();
    }
}

impl Clock {
    fn now() -> Self {
        let at_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
        Self { at_ns, at: Instant::now() }
    }

    fn now_ns(self, now: Instant) -> u64 {
        self.at_ns + now.duration_since(self.at).as_nanos() as u64
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

fn text(text: &'static str) -> Value {
    Value::Text(Cow::Borrowed(text))
}

fn bounded(text: &str) -> Value {
    cut(text).to_owned().into()
}

fn cut(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or_default()]
}

/// Random, and never 0, which is no id.
fn new_span_id() -> u64 {
    rand::random::<u64>().max(1)
}

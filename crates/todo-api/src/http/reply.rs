//! `Reply`: what every reply carries, and the log line of the request; and what the replies to writes share.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::ConnectionType;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use cache_aside::Outcome;
use cache_aside::trace::{self, Traced};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use todo_model::TodoId;

use crate::entity_tag::EntityTag;
use crate::http::Worker;
use crate::http::cache_status::{self, CACHE_STATUS};
use crate::http::error::ApiError;
use crate::http::etag;
use crate::http::failure_log;
use crate::http::request::{RequestId, X_REQUEST_ID};
use crate::todos::Changed;
use crate::traces::{RequestSpan, context};

/// What needs no escape in a path segment (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A reply that is still to be made.
pub struct Reply<'a> {
    request: &'a HttpRequest,
    worker: &'a Worker,
    route: &'static str,
    began: Instant,
    outcome: Cell<&'static str>,
    /// Requests that this worker is answering, this one included.
    in_flight: u64,
    /// If the request is traced.
    span: Option<Arc<RequestSpan>>,
    sent: bool,
}

impl<'a> Reply<'a> {
    /// `route` is the path's template: logs and metrics never name requests by their ids.
    pub fn new(request: &'a HttpRequest, worker: &'a Worker, route: &'static str) -> Self {
        let in_flight = worker.counts.begin();
        let span = worker.tracer.as_ref().and_then(|tracer| tracer.begin(request, route));
        Self { request, worker, route, began: Instant::now(), outcome: Cell::new(""), in_flight, span, sent: false }
    }

    /// Whether the request may go on: see [`crate::http::admission`]. Probes do not ask.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`], [`ApiError::TooManyRequests`].
    pub fn admit(&self) -> Result<(), ApiError> {
        self.worker.admission.admit(self.request, self.in_flight)
    }

    /// The same for one that writes.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`], [`ApiError::TooManyRequests`], [`ApiError::Token`].
    pub fn admit_write(&self) -> Result<(), ApiError> {
        self.admit()?;
        self.worker.admission.admit_write(self.request.headers())
    }

    /// What the request asks of the cache or the store: its steps are told to whoever traces the request.
    #[inline]
    pub fn traced<F: Future>(&self, asked: F) -> Traced<F> {
        trace::traced(self.span.as_ref().map(|span| Arc::clone(span) as Arc<dyn trace::Span>), asked)
    }

    /// Name of the trace that the request is of, for the log.
    fn trace_id(&self) -> Option<String> {
        let own = self.span.as_ref().map(|span| span.trace_id());
        own.or_else(|| context::sent_trace_id(self.request.headers()))
    }

    /// Where a read was answered from.
    pub fn answered_from(&self, outcome: Outcome) {
        self.outcome.set(outcome.as_str());
    }

    /// The response with its request id; problem details for an error, whose cause is logged here and nowhere else.
    pub fn send(mut self, result: Result<HttpResponse, ApiError>) -> HttpResponse {
        let request_id = RequestId::of(self.request);
        let mut response = result.unwrap_or_else(|error| {
            failure_log::log(&error, &request_id, self.route, || self.trace_id());
            error.response()
        });
        let took = self.began.elapsed();
        tracing::debug!(
            request_id = request_id.as_str(),
            trace_id = self.trace_id(),
            method = %self.request.method(),
            route = self.route,
            status = response.status().as_u16(),
            micros = took.as_micros() as u64,
            "answered"
        );
        self.worker.counts.end(self.route, self.request.method(), response.status(), self.outcome.get(), took);
        if let Some(span) = &self.span {
            span.answered(response.status(), self.outcome.get(), request_id.as_str());
        }
        self.sent = true;
        response.headers_mut().insert(X_REQUEST_ID, request_id.into_header());
        // What is JSON is nothing else, whatever an old browser sees in it (Fetch Standard, "X-Content-Type-Options").
        response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if !response.headers().contains_key(CACHE_CONTROL) {
            // What says nothing may be kept by a cache on the way (RFC 9111 §4.2.2): only GET of a todo is for caches.
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if let Some(cors) = &self.worker.cors {
            cors.apply(self.request, &mut response);
        }
        if self.worker.drain.is_on() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

impl Drop for Reply<'_> {
    fn drop(&mut self) {
        if !self.sent {
            // Its client went away, and the handler with it.
            self.worker.counts.give_up();
            if let Some(span) = &self.span {
                span.abandoned();
            }
        }
    }
}

/// The todo as it is after a write.
pub fn with_todo(mut response: HttpResponseBuilder, changed: Changed) -> HttpResponse {
    response.insert_header((CACHE_STATUS, cache_status::of_change(&changed)));
    let (version, body) = match changed {
        Changed::Written(written) => (written.version, written.body.unwrap_or_default()),
        Changed::Unchanged { version, body } => (version, body),
    };
    response
        .insert_header((ETAG, etag::header_value(&EntityTag::of(version, &body))))
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(body)
}

/// The path of a todo.
pub fn location(id: &TodoId) -> String {
    format!("/todos/{}", utf8_percent_encode(id.as_str(), SEGMENT))
}

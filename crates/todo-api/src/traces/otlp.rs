//! Spans as OTLP has them (opentelemetry-proto, `trace/v1/trace.proto`, `common/v1/common.proto`). Tests read what is written here
//! with the types that are generated from these files.

use super::endpoint::EndpointError;
use super::protobuf::Message;
use super::span::{Record, Value};
use super::variables::Variables;

/// Flags of a span besides those of W3C: whether its parent is of another process is known, and is so
/// (`SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`, `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`).
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
const SAMPLED: u32 = 1;

/// `STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

/// What sends the spans, encoded once.
pub(super) struct Resource(Vec<u8>);

impl Resource {
    /// This process, with the name and attributes that the standard variables give it.
    ///
    /// # Errors
    /// `OTEL_RESOURCE_ATTRIBUTES` is no list.
    pub(super) fn of_this_process(variables: &Variables<'_>) -> Result<Self, EndpointError> {
        let given = variables.pairs(&["OTEL_RESOURCE_ATTRIBUTES"])?.map(|(_, pairs)| pairs).unwrap_or_default();
        let name = variables.get("OTEL_SERVICE_NAME");
        let own = [
            ("service.name", "todo-api".to_owned()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", uuid::Uuid::now_v7().to_string()),
            ("host.name", rustix::system::uname().nodename().to_string_lossy().into_owned()),
            ("telemetry.sdk.name", "todo-api".to_owned()),
            ("telemetry.sdk.language", "rust".to_owned()),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let mut all: Vec<(String, String)> = own.map(|(key, value)| (key.to_owned(), value)).to_vec();
        let renamed = name.map(|name| ("service.name".to_owned(), name));
        for (key, value) in given.into_iter().chain(renamed) {
            all.retain(|(known, _)| *known != key);
            all.push((key, value));
        }
        let mut resource = Message::default();
        for (key, value) in all {
            attribute(&mut resource, 1, &key, &Value::Text(value.into()));
        }
        Ok(Self(resource.into_bytes()))
    }

    /// One `ExportTraceServiceRequest`.
    pub(super) fn request(&self, spans: &[Record]) -> Vec<u8> {
        let mut request = Message::default();
        request.message(1, |resource_spans| {
            resource_spans.bytes(1, &self.0);
            resource_spans.message(2, |scope_spans| {
                scope_spans.message(1, |scope| {
                    scope.bytes(1, b"todo-api");
                    scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
                });
                spans.iter().for_each(|span| scope_spans.message(2, |message| write(message, span)));
            });
        });
        request.into_bytes()
    }
}

fn write(message: &mut Message, span: &Record) {
    message.bytes(1, &span.trace_id.to_be_bytes());
    message.bytes(2, &span.span_id.to_be_bytes());
    if !span.trace_state.is_empty() {
        message.bytes(3, span.trace_state.as_bytes());
    }
    if let Some(parent) = span.parent {
        message.bytes(4, &parent.to_be_bytes());
    }
    message.bytes(5, span.name.as_bytes());
    message.varint(6, span.kind as u64);
    message.fixed64(7, span.began_ns);
    message.fixed64(8, span.ended_ns);
    span.attributes.iter().for_each(|(key, value)| attribute(message, 9, key, value));
    if span.failed {
        message.message(15, |status| {
            if let Some(why) = &span.why {
                status.bytes(2, why.as_bytes());
            }
            status.varint(3, ERROR);
        });
    }
    let remote = if span.parent_is_remote { IS_REMOTE } else { 0 };
    message.fixed32(16, SAMPLED | HAS_IS_REMOTE | remote);
}

fn attribute(message: &mut Message, field: u32, key: &str, value: &Value) {
    message.message(field, |pair| {
        pair.bytes(1, key.as_bytes());
        pair.message(2, |any| match value {
            Value::Text(text) => any.bytes(1, text.as_bytes()),
            Value::Number(number) => any.varint(3, *number),
            Value::OneText(text) => any.message(5, |array| array.message(1, |any| any.bytes(1, text.as_bytes()))),
        });
    });
}

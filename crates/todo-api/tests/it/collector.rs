//! A collector of the tests' own: takes OTLP over HTTP, and reads it with the types that are generated from OpenTelemetry's own files.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use test_servers::until;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes all.
    Takes,
    /// Answers nothing.
    Hangs,
    /// Says this, the first time; then takes all.
    FirstSays(&'static str),
}

/// Listens until the runtime of its test ends.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// First lines and fields of the requests, in lower case.
    heads: Vec<String>,
    resources: Vec<BTreeMap<String, String>>,
    spans: Vec<Span>,
}

impl Collector {
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::start_with(manner, None).await
    }

    pub(crate) async fn start_with(manner: Manner, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Seen>>::default());
        let sees = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sees, tls) = (Arc::clone(&sees), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => answer(stream, manner, &sees).await,
                        Some(tls) => answer(tls.accept(stream).await.unwrap(), manner, &sees).await,
                    }
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Spans that arrived so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.seen.lock().unwrap().spans.clone()
    }

    /// The spans of one trace, once that of its request is there: it ends before those that go on behind its answer.
    pub(crate) async fn trace(&self, trace_id: &str) -> Trace {
        let of_it = || self.spans().into_iter().filter(|span| hex(&span.trace_id) == trace_id).collect::<Vec<_>>();
        until("the span of the request is there", || async { of_it().iter().any(|span| span.kind == 2) }).await;
        Trace(of_it())
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.seen.lock().unwrap().heads.clone()
    }

    pub(crate) fn resources(&self) -> Vec<BTreeMap<String, String>> {
        self.seen.lock().unwrap().resources.clone()
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, manner: Manner, seen: &Mutex<Seen>) {
    let (mut sent, mut head) = (Vec::new(), None);
    let (head, body) = loop {
        if stream.read_buf(&mut sent).await.unwrap_or(0) == 0 {
            return;
        }
        if head.is_none() {
            head = sent.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4);
        }
        if let Some(at) = head {
            let text = String::from_utf8_lossy(&sent[..at]).to_lowercase();
            let length: usize = text.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
            if sent.len() == at + length {
                break (text, sent.split_off(at));
            }
        }
    };
    let is_first = {
        let mut seen = seen.lock().unwrap();
        seen.heads.push(head);
        seen.heads.len() == 1
    };
    match manner {
        Manner::Hangs => std::future::pending().await,
        Manner::FirstSays(text) if is_first => {
            let _ = stream.write_all(text.as_bytes()).await;
            return;
        }
        Manner::Takes | Manner::FirstSays(_) => {}
    }
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    {
        let mut seen = seen.lock().unwrap();
        for of_one in request.resource_spans {
            seen.resources.push(texts(&of_one.resource.unwrap().attributes));
            seen.spans.extend(of_one.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    // An answer without partial success is an empty message.
    let _ =
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n").await;
}

/// The spans of one trace.
#[derive(Debug)]
pub(crate) struct Trace(pub(crate) Vec<Span>);

impl Trace {
    /// The one span of this name.
    pub(crate) fn span(&self, name: &str) -> &Span {
        let found: Vec<_> = self.0.iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "{name} among {:?}", self.names());
        found[0]
    }

    /// Names of all, in the order in which they began.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut spans: Vec<_> = self.0.iter().collect();
        spans.sort_by_key(|span| span.start_time_unix_nano);
        spans.into_iter().map(|span| span.name.as_str()).collect()
    }

    /// Name of the span that this one is in.
    pub(crate) fn parent(&self, name: &str) -> Option<&str> {
        let parent = &self.span(name).parent_span_id;
        self.0.iter().find(|span| span.span_id == *parent).map(|span| span.name.as_str())
    }
}

pub(crate) fn attributes(span: &Span) -> BTreeMap<String, String> {
    texts(&span.attributes)
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.clone()) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::ArrayValue(list)) => match list.values.as_slice() {
            [AnyValue { value: Some(Value::StringValue(text)) }] => format!("[{text}]"),
            other => panic!("unexpected list {other:?}"),
        },
        other => panic!("unexpected value {other:?}"),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(&pair.value))).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

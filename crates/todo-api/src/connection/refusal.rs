//! `Refusal`: requests that never reach a handler are answered with a problem document and a request id, too.
//!
//! The server's parser answers what it cannot read with a status and no more, and offers no hook. So its answer is
//! recognised on its way out, by what none of ours lacks, and another is sent in its place.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::StatusCode;

use crate::http::request::RequestId;
use crate::limited_log::Limited;

/// Why a request was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    detail: Cow<'static, str>,
    has_body: bool,
}

/// For what the parser does not take although no rule is known to be broken.
const MALFORMED: &str = "this is no request of HTTP/1.1: its first line, a header field or its length is malformed";
const LARGE_HEAD: &str = "the head of the request is larger than 128 KiB";

impl Refusal {
    pub(crate) fn new(status: u16, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), has_body: true }
    }

    /// As it is answered to HEAD (RFC 9110 §9.3.2).
    pub(crate) fn without_body(self) -> Self {
        Self { has_body: false, ..self }
    }

    /// Its head is larger than any may be.
    pub(crate) fn large_head() -> Self {
        Self::new(431, LARGE_HEAD)
    }

    /// Its head did not come in time.
    pub(crate) fn slow_head() -> Self {
        Self::new(408, "the head of the request did not come in time: no empty line ended it")
    }

    /// Its body did not come in time.
    pub(crate) fn slow_body() -> Self {
        Self::new(408, "the body of the request did not come in time")
    }

    /// What should be a chunk of its body is none.
    pub(crate) fn broken_chunk() -> Self {
        Self::new(
            400,
            "a chunk of the body is malformed: its size must be hexadecimal, its data exactly as long, lines end with CR LF, \
             and extensions, trailers, leading zeros and white space have at most 16 KiB",
        )
    }

    /// It was the slowest when there were too many connections.
    pub(crate) fn crowded() -> Self {
        Self::new(408, "too many connections are open, and this one was the slowest")
    }

    /// The client speaks plain HTTP where TLS is spoken.
    pub(crate) fn no_tls() -> Self {
        Self::new(400, "this listener speaks TLS: begin the URL with https://")
    }

    /// What the parser's status alone tells.
    fn of_status(status: &[u8]) -> Option<Self> {
        match status {
            b"400" => Some(Self::new(400, MALFORMED)),
            b"431" => Some(Self::large_head()),
            b"408" => Some(Self::slow_head()),
            _ => None,
        }
    }

    /// The whole answer, which closes the connection.
    pub(crate) fn answer(&self) -> Vec<u8> {
        static REFUSED: Limited = Limited::every(Duration::from_secs(1));
        let Self { status, detail, has_body } = self;
        let title = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        let request_id = RequestId::make();
        let request_id = request_id.to_str().unwrap_or_default();
        if let Some(times) = REFUSED.permit() {
            tracing::info!(request_id, status, times, "refused: {detail}");
        }
        let body = format!(r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}"}}"#);
        let date = httpdate::fmt_http_date(std::time::SystemTime::now());
        format!(
            "HTTP/1.1 {status} {title}\r\ncontent-length: {}\r\ncontent-type: application/problem+json\r\n\
             cache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {request_id}\r\nconnection: close\r\n\
             date: {date}\r\n\r\n{}",
            body.len(),
            if *has_body { &body } else { "" }
        )
        .into_bytes()
    }
}

/// Where in what the parser writes a bare refusal begins, if it ends with one.
pub(crate) fn find(written: &[u8]) -> Option<(usize, Refusal)> {
    // Answers with a body end otherwise: hits cost no more than this comparison.
    if !written.ends_with(b"\r\n\r\n") {
        return None;
    }
    let at = memchr::memmem::rfind(written, b"HTTP/1.")?;
    let head = &written[at..];
    // A status line has spaces, and a request id that a client has sent none.
    if (head.get(8)?, head.get(12)?) != (&b' ', &b' ') {
        return None;
    }
    let refusal = Refusal::of_status(head.get(9..12)?)?;
    let ours = memchr::memmem::find(head, b"x-request-id").is_some();
    (!ours).then_some((at, refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_parser_says_by_itself_is_replaced() {
        let hit = "HTTP/1.1 200 OK\r\nx-request-id: 1\r\n\r\n{}";
        let bare = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let ours = "HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\ncontent-length: 9\r\n\r\n";
        let malformed = Refusal::new(400, MALFORMED);
        assert_eq!(find(hit.as_bytes()), None);
        assert_eq!(find(ours.as_bytes()), None, "HEAD");
        assert_eq!(find(bare.as_bytes()), Some((0, malformed.clone())));
        assert_eq!(find(format!("{hit}{bare}").as_bytes()), Some((hit.len(), malformed.clone())));
        assert_eq!(find(bare.replace("400", "431").as_bytes()), Some((0, Refusal::new(431, LARGE_HEAD))));
        assert_eq!(find(bare.replace("400", "204").as_bytes()), None);
        for id in ["HTTP/1.1-400", "HTTP/1.1:431", "HTTP/1.1.408-x", "HTTP/1.", "xHTTP/1.1-400-Bad"] {
            let ours = format!("HTTP/1.1 204 No Content\r\nx-request-id: {id}\r\n\r\n");
            assert_eq!(find(ours.as_bytes()), None, "{id}");
            assert_eq!(find(format!("{ours}{bare}").as_bytes()), Some((ours.len(), malformed.clone())));
        }
    }
}

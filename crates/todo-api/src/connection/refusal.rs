//! `Refusal`: requests that never reach a handler are answered with a problem document and a request id, too.
//!
//! The server's parser answers what it cannot read with a status and no more, and offers no hook. So its answer is
//! recognised on its way out, by what none of ours lacks, and another is sent in its place.

use std::time::Duration;

use crate::http::request::RequestId;
use crate::limited_log::Limited;

/// Why a request was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is no HTTP/1.1.
    Malformed,
    /// Its head is too large.
    LargeHead,
    /// Its head did not come in time.
    SlowHead,
    /// Its body did not come in time.
    SlowBody,
    /// It was the slowest when there were too many connections.
    Crowded,
}

/// The parser does not say which.
const UNREADABLE: &str =
    "this is no request of HTTP/1.1: its first line, a header field or its length is malformed, or Host is missing";

impl Refusal {
    fn of_status(status: &[u8]) -> Option<Self> {
        match status {
            b"400" => Some(Self::Malformed),
            b"431" => Some(Self::LargeHead),
            b"408" => Some(Self::SlowHead),
            _ => None,
        }
    }

    fn says(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed => (400, "Bad Request", UNREADABLE),
            Self::LargeHead => (431, "Request Header Fields Too Large", "the head of the request is too large"),
            Self::SlowHead => (408, "Request Timeout", "the head of the request did not come in time"),
            Self::SlowBody => (408, "Request Timeout", "the body of the request did not come in time"),
            Self::Crowded => (408, "Request Timeout", "too many connections are open, and this one was the slowest"),
        }
    }

    /// The whole answer, which closes the connection.
    pub(crate) fn answer(self) -> Vec<u8> {
        static REFUSED: Limited = Limited::every(Duration::from_secs(1));
        let (status, title, detail) = self.says();
        let request_id = RequestId::make();
        let request_id = request_id.to_str().unwrap_or_default();
        if let Some(times) = REFUSED.permit() {
            tracing::info!(request_id, status, times, "refused: {detail}");
        }
        let body = format!(r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}"}}"#);
        let date = httpdate::fmt_http_date(std::time::SystemTime::now());
        format!(
            "HTTP/1.1 {status} {title}\r\ncontent-length: {}\r\ncontent-type: application/problem+json\r\n\
             cache-control: no-store\r\nx-request-id: {request_id}\r\nconnection: close\r\ndate: {date}\r\n\r\n{body}",
            body.len()
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
        assert_eq!(find(hit.as_bytes()), None);
        assert_eq!(find(ours.as_bytes()), None, "HEAD");
        assert_eq!(find(bare.as_bytes()), Some((0, Refusal::Malformed)));
        assert_eq!(find(format!("{hit}{bare}").as_bytes()), Some((hit.len(), Refusal::Malformed)));
        assert_eq!(find(bare.replace("400", "431").as_bytes()), Some((0, Refusal::LargeHead)));
        assert_eq!(find(bare.replace("400", "204").as_bytes()), None);
    }
}

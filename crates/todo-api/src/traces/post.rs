//! One `POST` to the collector, on a connection of its own and past every proxy. A second between two of them makes a kept connection
//! worth little, and one that the other side has just closed would cost a batch.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::endpoint::Endpoint;
use super::protobuf::{Fields, Value};

/// The longest answer that is read.
const MAX_ANSWER: usize = 16 * 1024;
/// Fields that its head may have.
const MAX_FIELDS: usize = 64;
/// As much of a refusal as is logged.
const MAX_WORDS: usize = 200;

/// What the collector said of a batch that it took.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Spans of it that it did not take.
    pub(super) rejected: u64,
    /// Why, or what else there is to say.
    pub(super) words: String,
}

/// Why a batch was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) why: String,
    pub(super) again: Again,
}

/// Whether it may be sent again (OpenTelemetry Protocol, "Retryable response codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It would be refused again.
    Never,
    /// Perhaps it is taken then, after this time if the collector names one.
    Later(Option<Duration>),
}

/// Sends a body to the endpoint.
pub(super) async fn post(endpoint: &Endpoint, body: &[u8]) -> Result<Taken, Refusal> {
    let answer = exchange(endpoint, body).await.map_err(|error| Refusal {
        why: format!("{}:{} {error}", endpoint.host, endpoint.port),
        again: Again::Later(None),
    })?;
    judge(&answer)
}

async fn exchange(endpoint: &Endpoint, body: &[u8]) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port))
        .await
        .map_err(|error| within("cannot be reached", error))?;
    match &endpoint.tls {
        None => converse(stream, endpoint, body).await,
        Some((name, config)) => {
            let connected = TlsConnector::from(config.clone()).connect(name.clone(), stream).await;
            converse(connected.map_err(|error| within("does not do TLS as it should", error))?, endpoint, body).await
        }
    }
}

fn within(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

async fn converse<T: AsyncRead + AsyncWrite + Unpin>(
    mut stream: T,
    endpoint: &Endpoint,
    body: &[u8],
) -> io::Result<Vec<u8>> {
    let mut request = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nuser-agent: todo-api/{}\r\n\
         content-type: application/x-protobuf\r\ncontent-length: {}\r\n",
        endpoint.target(),
        endpoint.authority(),
        env!("CARGO_PKG_VERSION"),
        body.len()
    )
    .into_bytes();
    for (name, value) in &endpoint.headers {
        request.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    request.extend(b"\r\n");
    request.extend(body);
    let sent = stream.write_all(&request).await;
    let mut answer = Vec::new();
    // Who refuses a request may do so before it has read all of it.
    while !is_whole(&answer) && answer.len() < MAX_ANSWER {
        match stream.read_buf(&mut answer).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) if !answer.is_empty() => break,
            Err(error) => return Err(within("did not answer", error)),
        }
    }
    if answer.is_empty() {
        sent?;
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed the connection without an answer"));
    }
    Ok(answer)
}

/// Whether nothing more is to be waited for: the other side may keep the connection open although it was asked to close it.
fn is_whole(answer: &[u8]) -> bool {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Response::new(&mut fields);
    let length = match head.parse(answer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return false,
        Err(_) => return true,
    };
    if head.code == Some(204) {
        return true;
    }
    match field(&head, "content-length").and_then(|text| text.parse::<usize>().ok()) {
        Some(body) => answer.len() >= length + body,
        None => field(&head, "transfer-encoding").is_some() && answer.ends_with(b"0\r\n\r\n"),
    }
}

fn judge(answer: &[u8]) -> Result<Taken, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Response::new(&mut fields);
    let never = |why: String| Err(Refusal { why, again: Again::Never });
    let (length, status) = match (head.parse(answer), head.code) {
        (Ok(httparse::Status::Complete(length)), Some(status)) => (length, status),
        _ => {
            return never(
                "the answer is no HTTP/1.1: traces are sent as OTLP over HTTP (mostly port 4318), not over gRPC (4317)"
                    .to_owned(),
            );
        }
    };
    let why = format!("it answers {status}: {}", printable(&answer[length..]));
    match status {
        200..=299 => Ok(partial_success(&unchunked(&head, &answer[length..]))),
        429 | 502 | 503 | 504 => {
            let after = field(&head, "retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs);
            Err(Refusal { why, again: Again::Later(after) })
        }
        404 => never(format!("{why} (is the path of the URL that of the collector's OTLP receiver?)")),
        _ => never(why),
    }
}

/// What an `ExportTraceServiceResponse` says (OpenTelemetry Protocol, "Partial Success").
fn partial_success(response: &[u8]) -> Taken {
    let mut taken = Taken::default();
    for (number, value) in Fields(response) {
        let (1, Value::Bytes(partial)) = (number, value) else { continue };
        for (number, value) in Fields(partial) {
            match (number, value) {
                (1, Value::Number(rejected)) => taken.rejected = rejected,
                (2, Value::Bytes(words)) => taken.words = printable(words),
                _ => {}
            }
        }
    }
    taken
}

/// The body, whether it came in chunks or not.
fn unchunked(head: &httparse::Response<'_, '_>, mut body: &[u8]) -> Vec<u8> {
    if field(head, "transfer-encoding").is_none() {
        return body.to_vec();
    }
    let mut whole = Vec::new();
    while let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(body) {
        let chunk = usize::try_from(length).ok().and_then(|length| body.get(start..start.checked_add(length)?));
        let Some(chunk) = chunk.filter(|chunk| !chunk.is_empty()) else { break };
        whole.extend(chunk);
        body = body.get(start + chunk.len() + 2..).unwrap_or_default();
    }
    whole
}

fn printable(words: &[u8]) -> String {
    String::from_utf8_lossy(words).chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect()
}

fn field<'a>(head: &httparse::Response<'_, 'a>, name: &str) -> Option<&'a str> {
    let field = head.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(field.value).ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_by_its_length_or_its_last_chunk() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n";
        assert!(!is_whole(&head[..10]) && !is_whole(&[head.as_slice(), b"ab"].concat()));
        assert!(is_whole(&[head.as_slice(), b"abc"].concat()));
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n".to_vec();
        assert!(!is_whole(&chunked) && is_whole(&[chunked.as_slice(), b"0\r\n\r\n"].concat()));
    }

    #[test]
    fn spans_that_were_not_taken_are_heard_of_also_in_chunks() {
        let message = b"\x0a\x08\x08\x03\x12\x04full";
        let length = message.len();
        let plain = [format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").as_bytes(), message].concat();
        let taken = Taken { rejected: 3, words: "full".to_owned() };
        assert_eq!(judge(&plain).expect("it was taken"), taken);
        let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for part in [&message[..3], &message[3..]] {
            chunked.extend([format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat());
        }
        chunked.extend(b"0\r\n\r\n");
        assert_eq!(judge(&chunked).expect("it was taken"), taken);
        for nothing in ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"] {
            assert_eq!(judge(nothing.as_bytes()).expect("it was taken"), Taken::default());
        }
    }

    #[test]
    fn what_may_be_sent_again_is_told_from_what_may_not() {
        let again = |answer: &[u8]| judge(answer).err().map(|refusal| refusal.again);
        assert_eq!(again(b"HTTP/1.1 200 OK\r\n\r\n"), None);
        assert_eq!(again(b"HTTP/1.1 400 Bad Request\r\n\r\nno"), Some(Again::Never));
        assert_eq!(again(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), Some(Again::Later(None)));
        let busy = b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\n\r\n";
        assert_eq!(again(busy), Some(Again::Later(Some(Duration::from_secs(7)))));
        assert_eq!(again(b"\0\0\x12\x04 a frame of HTTP/2"), Some(Again::Never));
    }
}

//! `fault`: which rule of HTTP/1.1 a head breaks. Asked only after the server's parser has refused it: that parser alone decides,
//! and does not say why.

use std::borrow::Cow;

use actix_web::http::Uri;

use super::fields::{FIELDS, LONGEST_WHOLE_LINE, has_long_option, starts_with};
use super::refusal::Refusal;

/// The longest line of a head: the libraries below end a request in a panic for a longer name of a field.
pub(crate) const LONGEST_LINE: usize = u16::MAX as usize;
/// The largest head. The parser has the same bound, and applies it only to what it has read without finding the end.
pub(crate) const LARGEST_HEAD: usize = 128 * 1024;
/// The carriage return and the line feed of a line.
const LINE_END: usize = 2;
/// Fields of a head that the parser takes.
const MOST_FIELDS: usize = 96;
/// The first bytes of a TLS handshake.
const TLS: &[u8] = b"\x16\x03";

/// The first fault of these heads, one behind the other.
pub(crate) fn find(heads: &[u8]) -> Option<Refusal> {
    if heads.starts_with(TLS) {
        return Some(bad(
            "this is the begin of a TLS handshake, and the service speaks plain HTTP here: ask by http://",
        ));
    }
    let mut head: Option<Head> = None;
    let (mut first, mut size): (&[u8], usize) = (&[], 0);
    for line in heads.split_inclusive(|byte| *byte == b'\n') {
        size += line.len();
        let is_whole = line.ends_with(b"\n");
        let text = line.strip_suffix(b"\n").map_or(line, |text| text.strip_suffix(b"\r").unwrap_or(text));
        let checked = match &mut head {
            None if text.is_empty() || text == b"\r" => Ok(()),
            None => {
                first = text;
                request_line(text, is_whole).map(|begun| head = Some(begun))
            }
            _ if size > LARGEST_HEAD && line.len() <= LONGEST_LINE => Err(Refusal::large_head()),
            Some(begun) if is_whole && text.is_empty() => begun.end().map(|()| (head, size) = (None, 0)),
            Some(begun) => begun.field(text, is_whole),
        };
        if let Err(refusal) = checked {
            return Some(if first.starts_with(b"HEAD ") { refusal.without_body() } else { refusal });
        }
    }
    None
}

/// What was seen of a head.
struct Head {
    is_post: bool,
    is_1_1: bool,
    /// How many lines it has so far.
    lines: usize,
    hosts: usize,
    lengths: usize,
    codings: usize,
}

fn request_line(line: &[u8], is_whole: bool) -> Result<Head, Refusal> {
    if line.len() + LINE_END > LONGEST_LINE {
        return Err(Refusal::new(414, "the first line of the request is longer than 65535 bytes"));
    }
    let line = if is_whole { line } else { line.strip_suffix(b"\r").unwrap_or(line) };
    if line.contains(&b'\r') {
        return Err(bad("the first line has a carriage return that no line feed follows"));
    }
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, target, version) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    if method.is_empty() || !method.iter().all(is_token) {
        return Err(bad("the first line does not begin with a method: it must be METHOD TARGET HTTP/1.1"));
    }
    if let Some(target) = target {
        if target.is_empty() && (version.is_some() || is_whole) || parts.next().is_some() {
            return Err(bad("the first line must have one space before the target and one behind it (in it: %20)"));
        }
        // What is not whole may end within the target.
        let wrong =
            if version.is_some() { Uri::try_from(target).is_err() } else { !target.iter().all(u8::is_ascii_graphic) };
        if wrong {
            return Err(bad("the target of the request has characters that must be percent-encoded, or is no URI"));
        }
    }
    match version {
        Some(b"HTTP/1.1" | b"HTTP/1.0") => {}
        None if !is_whole => {}
        Some(begun) if !is_whole && (b"HTTP/1.1".starts_with(begun) || b"HTTP/1.0".starts_with(begun)) => {}
        Some(version) if version.starts_with(b"HTTP/") => {
            return Err(Refusal::new(505, "the version must be HTTP/1.1 (or 1.0): HTTP/2 is not spoken here"));
        }
        _ => return Err(bad("the first line does not end with a version: it must be METHOD TARGET HTTP/1.1")),
    }
    let is_1_1 = version == Some(b"HTTP/1.1");
    Ok(Head { is_post: method == b"POST", is_1_1, lines: 1, hosts: 0, lengths: 0, codings: 0 })
}

impl Head {
    fn field(&mut self, line: &[u8], is_whole: bool) -> Result<(), Refusal> {
        self.lines += 1;
        let here = |says: &str| Err(bad(format!("line {} of the head {says}", self.lines)));
        if line.len() + LINE_END > LONGEST_LINE {
            return Err(Refusal::new(431, format!("line {} of the head is longer than 65535 bytes", self.lines)));
        }
        if self.lines > MOST_FIELDS + 1 {
            return Err(Refusal::new(431, format!("the head has more than {MOST_FIELDS} header fields")));
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return here("begins with white space: fields may not be folded, nor may anything stand before the first");
        }
        let line = if is_whole { line } else { line.strip_suffix(b"\r").unwrap_or(line) };
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        if colon.is_some() && name.trim_ascii_end().len() < name.len() {
            return here("has white space between the name of the field and its colon");
        }
        if name.contains(&b'\r') {
            return here("has a carriage return that no line feed follows");
        }
        if colon.is_none() && is_whole {
            return here("is no header field: it has no colon");
        }
        let known = FIELDS.iter().find(|known| starts_with(line, known));
        let is_long = |known: &&[u8]| {
            if **known == *FIELDS[0] { has_long_option(line) } else { line.len() > LONGEST_WHOLE_LINE - LINE_END }
        };
        if known.is_some_and(is_long) {
            let name = String::from_utf8_lossy(name);
            let detail = format!("line {} of the head, {name}, is longer than {LONGEST_WHOLE_LINE} bytes", self.lines);
            return Err(Refusal::new(431, detail));
        }
        if !name.iter().all(is_token) || colon == Some(0) {
            return here("has a field name with characters that no name may have, or an empty one");
        }
        let value = value.strip_prefix(b":").unwrap_or_default();
        if value.contains(&b'\r') {
            return here("has a carriage return that no line feed follows");
        }
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return here("has a control character in its value");
        }
        if is_whole { self.known(&name.to_ascii_lowercase(), value.trim_ascii()) } else { Ok(()) }
    }

    /// Fields that say where a request goes and where it ends.
    fn known(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        match name {
            b"host" => self.hosts += 1,
            b"content-length" => self.lengths += 1,
            b"transfer-encoding" => self.codings += 1,
            _ => return Ok(()),
        }
        let digits = value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
        match name {
            b"host" if self.hosts > 1 => Err(bad("Host is given twice")),
            b"host" if !is_host(value) => Err(bad("Host is no HOST or HOST:PORT")),
            b"content-length" if self.lengths > 1 => Err(bad("Content-Length is given twice")),
            b"content-length" if !digits || number.is_none() => {
                Err(bad("Content-Length is no whole number, or one that no body can have"))
            }
            b"transfer-encoding" if self.codings > 1 => Err(bad("Transfer-Encoding is given twice")),
            b"transfer-encoding" if !self.is_1_1 => Err(bad("Transfer-Encoding needs HTTP/1.1")),
            b"transfer-encoding" if !value.eq_ignore_ascii_case(b"chunked") => {
                Err(Refusal::new(501, "the only Transfer-Encoding that is taken is chunked"))
            }
            _ => Ok(()),
        }
    }

    fn end(&self) -> Result<(), Refusal> {
        if self.is_1_1 && self.hosts == 0 {
            return Err(bad("Host is missing"));
        }
        if self.lengths > 0 && self.codings > 0 {
            return Err(bad("Content-Length and Transfer-Encoding are both given"));
        }
        if self.is_post && !self.is_1_1 && self.lengths == 0 {
            return Err(Refusal::new(411, "a POST of HTTP/1.0 needs a Content-Length"));
        }
        Ok(())
    }
}

fn bad(detail: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(400, detail)
}

/// A byte of a token (RFC 9110 §5.6.2).
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

/// Whether this is `uri-host [":" port]` (RFC 9110 §7.2), which may be empty.
pub(crate) fn is_host(value: &[u8]) -> bool {
    let behind_address = if value.starts_with(b"[") { value.iter().position(|byte| *byte == b']') } else { Some(0) };
    let Some(from) = behind_address else { return false };
    let colon = value[from..].iter().position(|byte| *byte == b':').map(|at| from + at);
    let (host, port) = value.split_at(colon.unwrap_or(value.len()));
    let is_port = port.iter().skip(1).all(u8::is_ascii_digit);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    let is_address = |byte: &u8| is_name(byte) || *byte == b':';
    is_port
        && match host {
            [b'[', address @ .., b']'] => address.iter().all(is_address),
            name => name.iter().all(is_name),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_what_is_none() {
        for host in ["", "a", "a:1", "a_b.example:", "127.0.0.1:80", "[::1]", "[::1]:80", "%2Frun%2Fs.sock", "[v1.a:b]"]
        {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in
            ["a b", "a/b", "http://a", "a:b", "a:1:2", "u@a", "[::1", "::1", "[::1]a", "ä", "a?", "\"a\"", "a,b c"]
        {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn a_request_without_fault_has_none_and_the_fault_of_the_next_is_found_in_whatever_pieces() {
        let good = "GET /a?b=%20 HTTP/1.1\r\nhost: a\r\nx:\r\n\r\nPOST / HTTP/1.0\r\ncontent-length: 1\r\n\r\n";
        for end in 0..=good.len() {
            assert_eq!(find(&good.as_bytes()[..end]), None, "{:?}", &good[..end]);
        }
        let refusal = find(format!("\r\n{good}\r\nGET / HTTP/1.1\r\n\r\n").as_bytes());
        assert_eq!(refusal, Some(bad("Host is missing")));
    }
}

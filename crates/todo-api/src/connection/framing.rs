//! `Framing`: where a request begins and ends in the bytes of a connection. It must agree with the server's own parser, and where
//! it is not sure it gives up (`Phase::Unknown`) rather than touch a byte.
//!
//! It looks at five header fields only, and takes the offers to change the protocol out of them: an offer that is not
//! taken is to be ignored (RFC 9110 §7.8), while the server's parser ends the connection for it. What that parser would take and
//! must not (a line that is too long for it, a head whose size it looks at only between two reads, a `Host` that is none) is
//! spoilt, so that it refuses it. The bytes decide about that, never the pieces in which they come.

use super::chunks::{Chunks, Step};
use super::fault::{LARGEST_HEAD, LONGEST_LINE, is_host};
use super::fields::{
    CONNECT, FIELDS, LONGEST_WHOLE_LINE, blank, could_be, end_of_line, has_long_option, starts_with, without_offer,
};
use super::heads::Heads;
use super::refusal::Refusal;

/// What a client is about to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was sent of the next request.
    Between,
    /// The head was begun.
    Head,
    /// The head is complete, the body is not.
    Body,
    /// The body can have no end.
    Broken,
    /// What comes is not understood here; the server's parser says what it thinks of it.
    Unknown,
}

/// What bytes led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that may be passed on; the rest is the begin of a line that is to be seen whole.
    pub passed: usize,
    /// Whether a request was completed.
    pub completed: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Before the request line.
    Start,
    /// At the begin of a header line.
    Line,
    /// In a line that is of no interest.
    Skip,
    /// In a long `Connection`, at the begin of an option.
    Options,
    /// In a body of known length.
    Fixed(u64),
    /// In a chunked body.
    Chunked(Chunks),
    /// Behind what should be a chunk and is none.
    Broken,
    /// Given up.
    Unknown,
    /// What must not be taken is passed as zeros, which no head may have.
    Spoilt,
}

/// The state of one connection.
#[derive(Debug)]
pub struct Framing {
    state: State,
    length: Option<u64>,
    chunked: bool,
    /// Whether what follows the head belongs to no request of HTTP.
    tunnel: bool,
    /// Bytes of the current line of a head that were passed.
    line: usize,
    /// Bytes of the current head that were passed, with the empty lines before it, as the parser counts them.
    head: usize,
    heads: Heads,
}

impl Default for Framing {
    fn default() -> Self {
        Self::new()
    }
}

impl Framing {
    /// Nothing was sent on it.
    pub fn new() -> Self {
        Self {
            state: State::Start,
            length: None,
            chunked: false,
            tunnel: false,
            line: 0,
            head: 0,
            heads: Heads::default(),
        }
    }

    /// What the client is about to send.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Start => Phase::Between,
            State::Line | State::Skip | State::Options => Phase::Head,
            State::Fixed(_) | State::Chunked(_) => Phase::Body,
            State::Broken => Phase::Broken,
            State::Unknown | State::Spoilt => Phase::Unknown,
        }
    }

    /// Leaves everything that comes as it is.
    pub(crate) fn give_up(&mut self) {
        self.state = State::Unknown;
    }

    /// Forgets the heads so far: they were read, and every request was answered.
    pub(crate) fn forget(&mut self) {
        if matches!(self.state, State::Start) {
            self.heads.clear();
        }
    }

    /// Which rule was broken by what the parser refused, if that is known.
    pub(crate) fn fault(&self) -> Option<Refusal> {
        self.heads.fault()
    }

    /// Goes on over bytes that follow those passed before, and takes offers out of them.
    pub fn advance(&mut self, bytes: &mut [u8]) -> Progress {
        let (mut at, mut head, mut completed) = (0, 0, false);
        while at < bytes.len() {
            let rest = &mut bytes[at..];
            let was_within = !matches!(self.state, State::Start);
            let is_head =
                matches!(self.state, State::Start | State::Line | State::Skip | State::Options | State::Unknown);
            let step = match self.state {
                State::Start | State::Line => match self.line(rest) {
                    Some(step) => self.measured(&rest[..step]),
                    None => break,
                },
                State::Options => match self.options(rest, 0) {
                    Some(step) => self.measured(&rest[..step]),
                    None => break,
                },
                State::Skip => {
                    let end = end_of_line(rest);
                    if end.is_some() {
                        self.state = State::Line;
                    }
                    self.measured(&rest[..end.unwrap_or(rest.len())])
                }
                State::Fixed(left) => {
                    let step = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.state = if step as u64 == left { State::Start } else { State::Fixed(left - step as u64) };
                    step
                }
                State::Chunked(chunks) => {
                    let (step, next) = chunks.advance(rest);
                    self.state = match next {
                        Step::On(chunks) => State::Chunked(chunks),
                        Step::End => State::Start,
                        Step::Broken => State::Broken,
                    };
                    step
                }
                State::Broken | State::Unknown | State::Spoilt => rest.len(),
            };
            if is_head {
                if was_within && !matches!(self.state, State::Line | State::Skip | State::Options) {
                    self.head = 0;
                }
                if matches!(self.state, State::Spoilt) {
                    self.heads.keep(&bytes[head..at + step]);
                    bytes[at..at + step].fill(0);
                    head = at + step;
                }
            } else {
                self.heads.keep(&bytes[head..at]);
                head = at + step;
            }
            at += step;
            completed |= was_within && matches!(self.state, State::Start);
        }
        self.heads.keep(&bytes[head..at]);
        Progress { passed: at, completed }
    }

    /// Counts these bytes of a line; how many they are.
    fn measured(&mut self, bytes: &[u8]) -> usize {
        self.line += bytes.len();
        self.head += bytes.len();
        if self.line > LONGEST_LINE || self.head > LARGEST_HEAD {
            self.state = State::Spoilt;
        }
        if bytes.ends_with(b"\n") {
            self.line = 0;
        }
        bytes.len()
    }

    /// One line of a head, if it is whole or of no interest; how many bytes it has.
    fn line(&mut self, rest: &mut [u8]) -> Option<usize> {
        let first = matches!(self.state, State::Start);
        let Some(end) = end_of_line(rest) else {
            // An empty line may come in two pieces; of the first line no more than the method is of interest.
            let (names, longest) =
                if first { (&CONNECT[..], CONNECT[0].len()) } else { (&FIELDS[..], LONGEST_WHOLE_LINE) };
            let interesting = rest == b"\r" || could_be(rest, names) && (first || !self.tunnel);
            if interesting && rest.len() < longest {
                return None;
            }
            if first {
                self.begin(interesting);
            } else if interesting && starts_with(rest, FIELDS[0]) {
                return self.options(rest, FIELDS[0].len());
            }
            self.state = if interesting && !first { State::Spoilt } else { State::Skip };
            return Some(rest.len());
        };
        let line = &mut rest[..end];
        if matches!(line, [b'\n'] | [b'\r', b'\n']) {
            if !first {
                self.end_of_head();
            }
            return Some(end);
        }
        if first {
            self.begin(starts_with(line, CONNECT[0]));
            self.state = State::Line;
        } else {
            self.field(line);
        }
        Some(end)
    }

    /// Whole options, from there on, of a `Connection` that is too long to be held; how many bytes there are up to their end.
    fn options(&mut self, rest: &mut [u8], from: usize) -> Option<usize> {
        let end = end_of_line(rest);
        let step = end.or_else(|| memchr::memrchr(b',', rest).map(|at| at + 1)).unwrap_or(0);
        if step == 0 && rest.len() < LONGEST_WHOLE_LINE {
            return None;
        }
        let options = &mut rest[..step];
        self.state = match end {
            _ if step == 0 || has_long_option(options) => State::Spoilt,
            Some(_) => State::Line,
            None => State::Options,
        };
        if let Some(options) = options.get_mut(from..) {
            without_offer(options);
        }
        Some(if step == 0 { rest.len() } else { step })
    }

    fn begin(&mut self, tunnel: bool) {
        (self.length, self.chunked, self.tunnel) = (None, false, tunnel);
    }

    fn field(&mut self, line: &mut [u8]) {
        // What is behind the head of a tunnel is not followed, so nothing in it needs to be known.
        let Some(name) = FIELDS.iter().find(|name| !self.tunnel && starts_with(line, name)) else { return };
        if if *name == FIELDS[0] { has_long_option(line) } else { line.len() > LONGEST_WHOLE_LINE } {
            self.state = State::Spoilt;
            return;
        }
        let value = &mut line[name.len()..];
        match name[2] {
            b's' if !is_host(value.trim_ascii()) => self.state = State::Spoilt,
            b's' => {}
            b'n' if name[3] == b'n' => without_offer(value),
            b'n' => {
                let number = std::str::from_utf8(value.trim_ascii()).ok().and_then(|text| text.parse().ok());
                match number {
                    Some(number) if self.length.is_none() => self.length = Some(number),
                    _ => self.state = State::Unknown,
                }
            }
            b'a' if !self.chunked && value.trim_ascii().eq_ignore_ascii_case(b"chunked") => self.chunked = true,
            b'a' => self.state = State::Unknown,
            // `Upgrade` and its value mean nothing without the option in `Connection`, but the parser looks at them, too.
            _ => blank(value),
        }
    }

    fn end_of_head(&mut self) {
        self.state = match (self.chunked, self.length) {
            _ if self.tunnel => State::Unknown,
            (true, Some(_)) => State::Unknown,
            (true, None) => State::Chunked(Chunks::START),
            (false, None | Some(0)) => State::Start,
            (false, Some(length)) => State::Fixed(length),
        };
    }
}

#[cfg(test)]
mod tests;

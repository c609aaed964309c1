//! `Context`: the trace that a request belongs to, as its sender says in `traceparent` and `tracestate` (W3C Trace Context).

use actix_web::http::header::{HeaderMap, HeaderName};

/// Names the trace, and the span of the sender.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Carries what vendors say of the trace.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `tracestate` that is passed on (§3.3.1.5).
const MAX_STATE: usize = 512;

/// The trace that a request belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Names the trace; never 0.
    pub trace_id: u128,
    /// The span of the sender; `None` where the trace begins here.
    pub parent: Option<u64>,
    /// Whether the trace is sampled.
    pub sampled: bool,
    /// `tracestate` as it came.
    pub state: String,
}

impl Context {
    /// What the sender says; `None` if that is nothing, or cannot be used: then a trace begins here (§4.3).
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(TRACEPARENT);
        let (line, more) = (lines.next()?, lines.next());
        let mut context = more.is_none().then(|| parse(line.as_bytes())).flatten()?;
        // Lines of one header are one list (§3.3).
        let states: Vec<&str> = headers.get_all(TRACESTATE).filter_map(|line| line.to_str().ok()).collect();
        context.state = Some(states.join(",")).filter(|state| state.len() <= MAX_STATE).unwrap_or_default();
        Some(context)
    }

    /// A trace that begins here, if its id is one to sample.
    pub(super) fn root_if(sample: impl Fn(u128) -> bool) -> Option<Self> {
        let trace_id = rand::random::<u128>().max(1);
        sample(trace_id).then(|| Self { trace_id, parent: None, sampled: true, state: String::new() })
    }
}

/// Name of the trace that the sender says this request is of, as it stands in logs.
pub(crate) fn sent_trace_id(headers: &HeaderMap) -> Option<String> {
    Context::of(headers).map(|context| hex(context.trace_id))
}

/// A trace id as it stands in headers and logs.
pub(crate) fn hex(trace_id: u128) -> String {
    format!("{trace_id:032x}")
}

/// `00-TRACE-SPAN-FLAGS`; versions to come may have more behind that (§4.3).
fn parse(line: &[u8]) -> Option<Context> {
    let (head, rest) = line.split_at_checked(55)?;
    let dashes = [head[2], head[35], head[52]] == *b"---";
    let (version, flags) = (number(&head[..2])?, number(&head[53..])?);
    let known = if version == 0 { rest.is_empty() } else { version != 0xff && (rest.is_empty() || rest[0] == b'-') };
    let (trace_id, parent) = (number(&head[3..35])?, number(&head[36..52])? as u64);
    (dashes && known && trace_id != 0 && parent != 0).then(|| Context {
        trace_id,
        parent: Some(parent),
        sampled: flags & 1 == 1,
        state: String::new(),
    })
}

/// Hexadecimal digits in lower case, and nothing else.
fn number(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number: u128, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_specification_is_read() {
        let context = parse(GOOD.as_bytes()).unwrap();
        assert_eq!(hex(context.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((context.parent, context.sampled), (Some(0x00f0_67aa_0ba9_02b7), true));
    }

    #[test]
    fn what_a_later_version_adds_is_left_alone() {
        assert!(parse(format!("01{}-more", &GOOD[2..]).as_bytes()).is_some());
        assert!(parse(format!("{GOOD}-more").as_bytes()).is_none());
        assert!(parse(format!("01{}more", &GOOD[2..]).as_bytes()).is_none());
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        for bad in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }
}

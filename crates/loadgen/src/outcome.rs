//! What `Cache-Status` (RFC 9211) says of an answer.

use serde::Serialize;

/// Where an answer came from, as the service says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A fresh value from the cache.
    Hit,
    /// From the store.
    Miss,
    /// A value from the cache past its fresh time.
    Stale,
    /// The cache knew that there is nothing.
    Absent,
    /// From the store, past a cache that is off or did not answer.
    Bypass,
    /// It does not say.
    Unknown,
}

impl Outcome {
    /// All, in the order of reports.
    pub const ALL: [Self; 6] = [Self::Hit, Self::Stale, Self::Absent, Self::Miss, Self::Bypass, Self::Unknown];

    /// The word for reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Absent => "absent",
            Self::Bypass => "bypass",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the cache answered.
    pub fn is_from_cache(self) -> bool {
        matches!(self, Self::Hit | Self::Stale | Self::Absent)
    }

    /// Reads the header. Of several caches on the way the last counts: the one nearest to the client (RFC 9211 §2).
    pub fn of(header: &str) -> Self {
        let nearest = last_member(header);
        let (mut hit, mut forwarded, mut detail, mut ttl) = (false, None, None, None);
        for parameter in split(nearest, b';').skip(1) {
            match parameter.trim().split_once('=') {
                None => hit |= parameter.trim() == "hit",
                Some(("hit", flag)) => hit = flag == "?1",
                Some(("fwd", reason)) => forwarded = Some(reason),
                Some(("detail", text)) => detail = Some(text.trim_matches('"')),
                Some(("ttl", seconds)) => ttl = seconds.parse::<i64>().ok(),
                Some(_) => {}
            }
        }
        match (hit, forwarded, detail) {
            (true, _, Some("absent")) => Self::Absent,
            (true, _, Some("stale" | "stale-if-error")) => Self::Stale,
            (true, ..) if ttl.is_some_and(|ttl| ttl < 0) => Self::Stale,
            (true, ..) => Self::Hit,
            (false, Some("bypass"), _) => Self::Bypass,
            (false, Some(_), _) => Self::Miss,
            (false, None, _) => Self::Unknown,
        }
    }
}

/// The last member of a structured list (RFC 9651 §3.1).
fn last_member(list: &str) -> &str {
    split(list, b',').last().unwrap_or_default()
}

/// The parts between separators, of which those in a quoted string are none.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => return byte == separator && !quoted,
            }
            false
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

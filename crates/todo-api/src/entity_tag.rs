//! `EntityTag` and lists of them, by the grammar of RFC 9110 §8.8.3. What does not parse is an error, never "not given".

use std::fmt;

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use crate::hex;

/// A validator of one representation: `"xyzzy"`, or weak, `W/"xyzzy"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag {
    weak: bool,
    /// The bytes between the quotes.
    opaque: Vec<u8>,
}

/// The value of `If-Match` and of `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagList {
    /// `*`: any representation there is.
    Any,
    /// At least one tag.
    Tags(Vec<EntityTag>),
}

/// Why a field is no list of entity tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TagListError {
    /// Nothing in it: clients send that when a variable is empty.
    #[error("is empty: leave it out, or send * or entity tags as they stand in ETag, with their quotes")]
    Empty,
    /// A byte beyond ASCII: the grammar lets it stand in a tag (`obs-text`), but no tag of ours has one, so it was
    /// damaged on its way.
    #[error("has a byte beyond ASCII, and no ETag of this service has one: send the ETag as it was received")]
    NotAscii,
    /// Neither `*` alone nor tags with commas between them.
    #[error("must be * or entity tags as they stand in ETag, with their quotes and with commas between them")]
    Syntax,
}

impl EntityTag {
    /// The strong tag of this body at this version: the hash is for writers that change a todo and forget its version.
    pub fn of(version: u64, body: &[u8]) -> Self {
        let mut opaque = version.to_string().into_bytes();
        opaque.push(b'-');
        opaque.extend(hex::digits::<8>(xxh3_64(body)));
        Self { weak: false, opaque }
    }

    /// Whether it was given as `W/"…"`: good for reads, never for a guarded write (RFC 9110 §8.8.3.2).
    pub fn is_weak(&self) -> bool {
        self.weak
    }

    /// As it stands in a header.
    pub fn to_bytes(&self) -> Vec<u8> {
        [if self.weak { &b"W/\""[..] } else { b"\"" }, &self.opaque, b"\""].concat()
    }

    /// The bytes between the quotes.
    pub fn opaque(&self) -> &[u8] {
        &self.opaque
    }

    /// Both are strong and the same (RFC 9110 §8.8.3.2).
    fn strong_eq(&self, other: &Self) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// The same, weak or not (RFC 9110 §8.8.3.2).
    fn weak_eq(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }

    /// Reads one tag from the front of `text`; answers with it and what follows.
    fn parse(text: &[u8]) -> Option<(Self, &[u8])> {
        let (weak, quoted) = text.strip_prefix(b"W/").map_or((false, text), |quoted| (true, quoted));
        let rest = quoted.strip_prefix(b"\"")?;
        let end = rest.iter().position(|byte| !is_etagc(*byte))?;
        let (opaque, rest) = rest.split_at(end);
        Some((Self { weak, opaque: opaque.to_vec() }, rest.strip_prefix(b"\"")?))
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\"{}\"", if self.weak { "W/" } else { "" }, self.opaque.escape_ascii())
    }
}

impl TagList {
    /// Reads a field from its lines; `None` if it was not sent. Several lines are one list (RFC 9110 §5.3), and empty
    /// elements between commas are skipped (§5.6.1.2).
    ///
    /// # Errors
    /// See [`TagListError`].
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Self>, TagListError> {
        let mut lines = lines.into_iter();
        let Some(first) = lines.next() else { return Ok(None) };
        let mut joined = first.to_vec();
        for line in lines {
            // With the space, a tag that is torn between two lines stays torn.
            joined.extend(b", ");
            joined.extend(line);
        }
        Self::parse_value(&joined).map(Some)
    }

    fn parse_value(value: &[u8]) -> Result<Self, TagListError> {
        if !value.is_ascii() {
            return Err(TagListError::NotAscii);
        }
        if trim(value) == b"*" {
            return Ok(Self::Any);
        }
        let (mut tags, mut rest) = (Vec::new(), trim(value));
        while !rest.is_empty() {
            if !rest.starts_with(b",") {
                let (tag, after) = EntityTag::parse(rest).ok_or(TagListError::Syntax)?;
                tags.push(tag);
                rest = trim(after);
            }
            match rest.split_first() {
                None => break,
                Some((b',', after)) => rest = trim(after),
                Some(_) => return Err(TagListError::Syntax),
            }
        }
        if tags.is_empty() { Err(TagListError::Empty) } else { Ok(Self::Tags(tags)) }
    }

    /// Whether the tag is in the list by strong comparison, which guards writes.
    pub fn has_strong(&self, current: &EntityTag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| tag.strong_eq(current)),
        }
    }

    /// Whether the tag is in the list by weak comparison, which spares reads.
    pub fn has_weak(&self, current: &EntityTag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| tag.weak_eq(current)),
        }
    }
}

/// `etagc`: visible ASCII but the double quote; what is beyond ASCII was refused before.
fn is_etagc(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x7E)
}

/// Without optional white space (`OWS`: spaces and tabs) around it.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

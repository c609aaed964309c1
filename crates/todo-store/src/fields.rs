//! The fields of a document as bytes (<https://bsonspec.org/spec.html>): lengths and types are checked, texts are not, for
//! what MongoDB holds need not be UTF-8.

use std::str::from_utf8;

use crate::raw::Malformed;

/// Documents may nest this deep: MongoDB stores 180 levels and reads 200.
pub const MAX_DEPTH: usize = 200;
/// The length and a zero byte.
const SHORTEST: usize = 5;

/// One field of a document.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// The BSON type.
    pub kind: u8,
    /// The name, without its zero byte.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// Type, name and value, as they stand in the document.
    pub bytes: &'a [u8],
}

impl<'a> Field<'a> {
    /// The bytes of the text, if the value is a string.
    pub fn text(&self) -> Option<&'a [u8]> {
        (self.kind == 0x02).then(|| &self.value[4..self.value.len() - 1])
    }
}

/// Whether the texts and names in a document are UTF-8, as BSON wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// All of them are.
    Utf8,
    /// One at least is not: an old driver wrote bytes of another encoding.
    Other,
}

impl Encoding {
    fn of(bytes: &[u8]) -> Self {
        if from_utf8(bytes).is_ok() { Self::Utf8 } else { Self::Other }
    }

    fn and(self, other: Self) -> Self {
        if self == Self::Utf8 { other } else { self }
    }
}

/// The fields of a document, up to the first that is damaged. Values are not looked into.
pub fn fields(document: &[u8]) -> impl Iterator<Item = Result<Field<'_>, Malformed>> {
    let (mut rest, mut damage) = match body(document) {
        Ok(body) => (body, None),
        Err(malformed) => (&[][..], Some(malformed)),
    };
    std::iter::from_fn(move || {
        if let Some(malformed) = damage.take() {
            return Some(Err(malformed));
        }
        if rest.is_empty() {
            return None;
        }
        let field = next(rest);
        rest = field.as_ref().map_or(&[], |field| &rest[field.bytes.len()..]);
        Some(field)
    })
}

/// Looks at all of a document, at every depth.
pub(crate) fn check(document: &[u8]) -> Result<Encoding, Malformed> {
    check_to(document, MAX_DEPTH)
}

fn check_to(document: &[u8], depth: usize) -> Result<Encoding, Malformed> {
    let depth = depth.checked_sub(1).ok_or_else(|| Malformed(format!("nested deeper than {MAX_DEPTH}")))?;
    let mut encoding = Encoding::Utf8;
    for field in fields(document) {
        let Field { kind, name, value, .. } = field?;
        let inside = match kind {
            0x03 | 0x04 => check_to(value, depth)?,
            0x02 | 0x0D | 0x0E => Encoding::of(&value[4..value.len() - 1]),
            // Two texts, each with a zero byte, which is UTF-8, too.
            0x0B => Encoding::of(value),
            0x0C => Encoding::of(&value[4..value.len() - 13]),
            0x0F => {
                let (code, scope) = value[4..].split_at(length(&value[4..])? + 4);
                Encoding::of(&code[4..code.len() - 1]).and(check_to(scope, depth)?)
            }
            _ => Encoding::Utf8,
        };
        encoding = encoding.and(Encoding::of(name)).and(inside);
    }
    Ok(encoding)
}

/// What stands between the length and the zero byte.
fn body(document: &[u8]) -> Result<&[u8], Malformed> {
    match document {
        [first, second, third, fourth, body @ .., 0]
            if u32::from_le_bytes([*first, *second, *third, *fourth]) as usize == document.len() =>
        {
            Ok(body)
        }
        _ => Err(Malformed("a length that is not that of its document".to_owned())),
    }
}

fn next(bytes: &[u8]) -> Result<Field<'_>, Malformed> {
    let kind = bytes[0];
    let name_length = zero(&bytes[1..])?;
    let name = &bytes[1..=name_length];
    let begin = name_length + 2;
    let wrong = |what: String| Malformed(format!("{what} in field {:?}", String::from_utf8_lossy(name)));
    let length = value_length(kind, &bytes[begin..]).map_err(|error| wrong(error.0))?;
    let value = bytes.get(begin..begin + length).ok_or_else(|| wrong("a value that is cut off".to_owned()))?;
    let closed = match kind {
        0x02 | 0x03 | 0x04 | 0x0D | 0x0E => value.last() == Some(&0),
        0x0C => value[value.len() - 13] == 0,
        0x08 => value[0] <= 1,
        0x0F => code_with_scope_is_whole(value),
        _ => true,
    };
    if !closed {
        return Err(wrong(format!("a damaged value of type {kind:#04x}")));
    }
    Ok(Field { kind, name, value, bytes: &bytes[..begin + length] })
}

fn value_length(kind: u8, value: &[u8]) -> Result<usize, Malformed> {
    let at_least = |shortest: usize, length: usize| {
        if length < shortest { Err(Malformed("a length that is too small".to_owned())) } else { Ok(length) }
    };
    Ok(match kind {
        0x01 | 0x09 | 0x11 | 0x12 => 8,
        0x02 | 0x0D | 0x0E => 4 + at_least(1, length(value)?)?,
        0x03 | 0x04 => at_least(SHORTEST, length(value)?)?,
        0x05 => 5 + length(value)?,
        0x06 | 0x0A | 0x7F | 0xFF => 0,
        0x07 => 12,
        0x08 => 1,
        0x0B => {
            let pattern = zero(value)? + 1;
            pattern + zero(&value[pattern..])? + 1
        }
        0x0C => 16 + at_least(1, length(value)?)?,
        // The length, a string, a document.
        0x0F => at_least(4 + 5 + SHORTEST, length(value)?)?,
        0x10 => 4,
        0x13 => 16,
        _ => return Err(Malformed(format!("a type that BSON does not have, {kind:#04x},"))),
    })
}

fn code_with_scope_is_whole(value: &[u8]) -> bool {
    let rest = &value[4..];
    let Ok(code) = length(rest) else { return false };
    code >= 1 && rest.get(3 + code) == Some(&0) && rest.get(4 + code..).is_some_and(|scope| body(scope).is_ok())
}

fn length(bytes: &[u8]) -> Result<usize, Malformed> {
    let length = bytes.first_chunk().map(|bytes| i32::from_le_bytes(*bytes));
    let length = length.and_then(|length| usize::try_from(length).ok());
    length.ok_or_else(|| Malformed("a length that is none".to_owned()))
}

fn zero(bytes: &[u8]) -> Result<usize, Malformed> {
    bytes.iter().position(|byte| *byte == 0).ok_or_else(|| Malformed("a name or text that does not end".to_owned()))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{cstr, rawdoc};

    use super::*;

    #[test]
    fn fields_are_their_bytes_also_behind_what_is_not_utf8() {
        let mut document = rawdoc! { "name": "J?rg", "a": { "b": [true] }, "id": "1" }.into_bytes();
        assert_eq!(check(&document), Ok(Encoding::Utf8));
        let at = document.iter().position(|byte| *byte == b'?').expect("the mark is there");
        document[at] = 0xF6;
        assert_eq!(check(&document), Ok(Encoding::Other));
        let all: Vec<_> = fields(&document).collect::<Result<_, _>>().expect("fields");
        assert_eq!(all.iter().map(|field| field.name).collect::<Vec<_>>(), [&b"name"[..], b"a", b"id"]);
        assert_eq!((all[0].text(), all[2].text()), (Some(&b"J\xf6rg"[..]), Some(&b"1"[..])));
        assert_eq!(all.iter().map(|field| field.bytes).collect::<Vec<_>>().concat(), document[4..document.len() - 1]);
    }

    #[test]
    fn no_byte_that_is_changed_makes_it_panic() {
        let code = mongodb::bson::JavaScriptCodeWithScope { code: "x".into(), scope: mongodb::bson::doc! { "y": 1 } };
        let regex = mongodb::bson::Regex { pattern: cstr!("a").into(), options: cstr!("i").into() };
        let document = mongodb::bson::doc! { "c": code, "r": regex, "s": "text", "d": { "e": [1, 2.5] }, "b": true };
        let document = document.to_vec().expect("a document");
        for at in 0..document.len() {
            for byte in 0..=255 {
                let mut changed = document.clone();
                changed[at] = byte;
                let _ = check(&changed);
            }
        }
        for length in 0..document.len() {
            assert!(check(&document[..length]).is_err(), "{length}");
        }
    }
}

//! What the mongo shell writes beside JSON, and `mongoimport --legacy` takes: names without quotes, texts in single quotes,
//! `ObjectId("…")`, `ISODate("…")`, `/pattern/flags`, hexadecimal numbers.

use todo_store::raw::{Field, fields};

use super::parse::{DOUBLE, Dialect, Parsed, Parser, Wrong};
use super::wrappers::{self, Value};

/// The functions that make a value.
const CONSTRUCTORS: &[&str] = &[
    "BinData",
    "Boolean",
    "DBPointer",
    "DBRef",
    "Date",
    "Dbpointer",
    "Dbref",
    "ISODate",
    "NumberDecimal",
    "NumberInt",
    "NumberLong",
    "ObjectId",
    "RegExp",
    "Timestamp",
    "UUID",
];

/// Whether a name without quotes may begin so.
pub(super) fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'$' | b'_') || !byte.is_ascii()
}

/// Whether a name may go on so.
pub(super) fn continues_name(byte: u8) -> bool {
    begins_name(byte) || byte.is_ascii_digit()
}

impl Parser<'_> {
    pub(super) fn shell_value(&mut self) -> Parsed<u8> {
        match self.peek() {
            Some(b'\'') => return self.string(b'\''),
            Some(b'/') => return self.regular_expression(),
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => return self.shell_number(),
            _ => {}
        }
        if self.word(b"undefined") {
            return Ok(self.push(0x06, &[]));
        }
        for (word, kind) in [(&b"MinKey"[..], 0xFF), (b"MaxKey", 0x7F)] {
            if self.word(word) {
                // Newer shells write it as a call.
                self.at += if self.text[self.at..].starts_with(b"()") { 2 } else { 0 };
                return Ok(self.push(kind, &[]));
            }
        }
        for (word, number) in [(&b"NaN"[..], f64::NAN), (b"Infinity", f64::INFINITY)] {
            if self.word(word) {
                return Ok(self.push(DOUBLE, &number.to_le_bytes()));
            }
        }
        if self.word(b"new") {
            self.space();
        }
        let at = self.at;
        let Some(name) = CONSTRUCTORS.iter().find(|name| self.word(name.as_bytes())) else {
            return Err(self.unexpected("a value"));
        };
        self.space();
        self.expect(b'(', "an opening parenthesis")?;
        let begin = self.out.len();
        self.values(b')', "a comma or a closing parenthesis")?;
        let arguments = self.out.split_off(begin);
        let (kind, bytes) =
            call(name, &arguments).map_err(|error| Wrong { at, problem: format!("{name}: {error}") })?;
        Ok(self.push(kind, &bytes))
    }

    /// Numbers that JSON does not have: `+1`, `.5`, `0x1F`, `-Infinity`.
    fn shell_number(&mut self) -> Parsed<u8> {
        let begin = self.at;
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'+' | b'-' | b'.');
        let length = self.text[begin..].iter().take_while(is_part).count();
        let text = String::from_utf8_lossy(&self.text[begin..begin + length]).into_owned();
        let unsigned = text.trim_start_matches(['+', '-']);
        let sign = if text.starts_with('-') { "-" } else { "" };
        self.at += length;
        let hexadecimal = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
        let pushed = match hexadecimal {
            Some(digits) => {
                let number = i64::from_str_radix(&format!("{sign}{digits}"), 16).ok();
                number.and_then(|number| self.push_number(&number.to_string(), true))
            }
            None if unsigned == "Infinity" => {
                let number = if sign.is_empty() { f64::INFINITY } else { f64::NEG_INFINITY };
                Some(self.push(DOUBLE, &number.to_le_bytes()))
            }
            // Two signs; a word; what other languages read as octal.
            None if unsigned.len() + 1 < text.len()
                || !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                || unsigned.ends_with('.')
                || unsigned.starts_with('0') && unsigned.as_bytes().get(1).is_some_and(u8::is_ascii_digit) =>
            {
                None
            }
            None => {
                let is_whole = unsigned.bytes().all(|byte| byte.is_ascii_digit());
                self.push_number(&format!("{sign}{unsigned}"), is_whole)
            }
        };
        pushed.ok_or_else(|| Wrong { at: begin, problem: format!("{text} is no number, or out of range") })
    }

    fn regular_expression(&mut self) -> Parsed<u8> {
        let begin = self.at + 1;
        let (mut end, mut escaped) = (begin, false);
        loop {
            match self.text.get(end) {
                Some(_) if escaped => escaped = false,
                Some(b'\\') => escaped = true,
                Some(b'/') => break,
                Some(_) => {}
                None => return Err(self.wrong("a regular expression that does not end".to_owned())),
            }
            end += 1;
        }
        let flags = self.text[end + 1..].iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        let mut options = self.text[end + 1..end + 1 + flags].to_vec();
        options.sort_unstable();
        // The slash is escaped for the sake of this notation only.
        let pattern = String::from_utf8_lossy(&self.text[begin..end]).replace("\\/", "/");
        let value = wrappers::of_regex(pattern.as_bytes(), &options);
        let (kind, bytes) = value.map_err(|problem| self.wrong(problem))?;
        self.at = end + 1 + flags;
        Ok(self.push(kind, &bytes))
    }
}

fn call(name: &str, arguments: &[u8]) -> Result<Value, String> {
    let arguments: Vec<_> = fields(arguments).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    match (name, &arguments[..]) {
        ("ObjectId", [id]) => wrappers::object_id(id),
        ("ISODate" | "Date", [time]) => wrappers::date(time),
        ("NumberInt", [number]) => wrappers::int(number),
        ("NumberLong", [number]) => wrappers::long(number, Dialect::Shell),
        ("NumberDecimal", [number]) => wrappers::decimal(number),
        ("Timestamp", [time, increment]) => wrappers::timestamp(time, increment),
        ("UUID", [uuid]) => wrappers::uuid(uuid),
        ("RegExp", [pattern, options]) => wrappers::regex(pattern, options),
        ("BinData", [subtype, data]) => {
            let subtype = wrappers::whole(subtype).and_then(|subtype| u8::try_from(subtype).ok());
            wrappers::of_base64(subtype.ok_or("the subtype must be a number from 0 to 255")?, data)
        }
        ("DBPointer" | "Dbpointer", [name, id]) => wrappers::pointer(name, id),
        ("DBRef" | "Dbref", [name, id]) => Ok(reference(name, id)),
        ("Boolean", all) => Ok((0x08, vec![u8::from(all.first().is_some_and(is_true))])),
        _ => Err(format!("it is called with {} arguments", arguments.len())),
    }
}

/// As JavaScript takes it.
fn is_true(value: &Field<'_>) -> bool {
    match value.kind {
        0x06 | 0x0A => false,
        0x02 => value.value.len() > 5,
        DOUBLE => value.value.try_into().map(f64::from_le_bytes).is_ok_and(|number| number != 0.0 && !number.is_nan()),
        0x08 | 0x10 | 0x12 => value.value.iter().any(|byte| *byte != 0),
        _ => true,
    }
}

fn reference(name: &Field<'_>, id: &Field<'_>) -> Value {
    let mut document = vec![0; 4];
    for (key, field) in [(&b"$ref\0"[..], name), (b"$id\0", id)] {
        document.push(field.kind);
        document.extend_from_slice(key);
        document.extend_from_slice(field.value);
    }
    document.push(0);
    let length = (document.len() as u32).to_le_bytes();
    document[..4].copy_from_slice(&length);
    (0x03, document)
}

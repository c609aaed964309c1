//! Texts, numbers and words, and what is said where another character must stand.

use super::parse::{DOUBLE, Dialect, INT, LONG, Parsed, Parser, STRING, Wrong};
use super::shell;

impl Parser<'_> {
    pub(super) fn string(&mut self, quote: u8) -> Parsed<u8> {
        let begin = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        self.text_in(quote)?;
        self.out.push(0);
        let length = ((self.out.len() - begin - 4) as u32).to_le_bytes();
        self.out[begin..begin + 4].copy_from_slice(&length);
        Ok(STRING)
    }

    /// Bytes between quotes; those that are no escapes stay as they are.
    pub(super) fn text_in(&mut self, quote: u8) -> Parsed<()> {
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.iter().take_while(|byte| **byte != quote && **byte != b'\\' && **byte >= b' ').count();
            self.out.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'\\') => self.escape(quote)?,
                Some(byte) if byte == quote => break self.at += 1,
                Some(_) => return Err(self.unexpected("a character that is no control character")),
                None => return Err(self.wrong("a text that does not end".to_owned())),
            }
        }
        Ok(())
    }

    fn escape(&mut self, quote: u8) -> Parsed<()> {
        let escaped = self.text.get(self.at + 1).copied();
        let byte = match escaped {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(byte) if byte == quote => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0C,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.code_point(),
            _ => return Err(self.wrong("an escape that JSON does not have".to_owned())),
        };
        self.out.push(byte);
        self.at += 2;
        Ok(())
    }

    /// `\u…`, or two of them that are a pair. Half a pair is no character: U+FFFD stands in its place.
    fn code_point(&mut self) -> Parsed<()> {
        let unit = |at: usize| {
            let digits = self.text.get(at..at + 6)?.strip_prefix(b"\\u")?;
            let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            u32::from_str_radix(digits, 16).ok()
        };
        let first = unit(self.at).ok_or_else(|| self.wrong("an escape that JSON does not have".to_owned()))?;
        let second = unit(self.at + 6);
        let character = match (first, second) {
            (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => {
                self.at += 6;
                char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00))
            }
            _ => char::from_u32(first),
        };
        self.at += 6;
        self.remarks.half_pairs |= character.is_none();
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// A whole number has 32 bits if it fits, else 64, else it is a double, as in mongoimport.
    pub(super) fn number(&mut self) -> Parsed<u8> {
        let begin = self.at;
        let digits = |parser: &mut Self| {
            let count = parser.text[parser.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            parser.at += count;
            count
        };
        self.at += usize::from(self.peek() == Some(b'-'));
        let leading = self.at;
        let mut is_number = digits(self) > 0 && (self.text[leading] != b'0' || self.at == leading + 1);
        let mut is_whole = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            is_whole = false;
            is_number &= digits(self) > 0;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            is_whole = false;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            is_number &= digits(self) > 0;
        }
        let ends = self.peek().is_none_or(|byte| !shell::continues_name(byte) && byte != b'.');
        if !is_number || !ends {
            self.at = begin;
            return if self.dialect == Dialect::Shell { self.shell_value() } else { Err(self.unexpected("a number")) };
        }
        let text = String::from_utf8_lossy(&self.text[begin..self.at]).into_owned();
        self.push_number(&text, is_whole).ok_or_else(|| Wrong { at: begin, problem: format!("{text} is out of range") })
    }

    pub(super) fn push_number(&mut self, text: &str, is_whole: bool) -> Option<u8> {
        if let Some(whole) = is_whole.then(|| text.parse::<i64>().ok()).flatten() {
            return Some(match i32::try_from(whole) {
                Ok(small) => self.push(INT, &small.to_le_bytes()),
                Err(_) => self.push(LONG, &whole.to_le_bytes()),
            });
        }
        let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
        Some(self.push(DOUBLE, &number.to_le_bytes()))
    }

    /// Goes on behind a word, if it stands here.
    pub(super) fn word(&mut self, word: &[u8]) -> bool {
        let rest = &self.text[self.at..];
        let found = rest.starts_with(word) && !rest.get(word.len()).is_some_and(|byte| shell::continues_name(*byte));
        if found {
            self.at += word.len();
        }
        found
    }

    pub(super) fn space(&mut self) {
        let space = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\r' | b'\n');
        self.at += self.text[self.at..].iter().take_while(space).count();
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn expect(&mut self, byte: u8, what: &str) -> Parsed<()> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(what));
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn wrong(&self, problem: String) -> Wrong {
        Wrong { at: self.at, problem }
    }

    pub(super) fn unexpected(&self, expected: &str) -> Wrong {
        let rest = String::from_utf8_lossy(&self.text[self.at..(self.at + 4).min(self.text.len())]).into_owned();
        let Some(found) = rest.chars().next() else {
            return self.wrong(format!("{expected} must come here, not the end"));
        };
        let hint = match self.dialect {
            Dialect::Json if found.is_ascii_alphabetic() || "'/.+$_".contains(found) => {
                "; what the mongo shell writes is taken with --legacy"
            }
            _ => "",
        };
        self.wrong(format!("{expected} must come here, not '{}'{hint}", found.escape_default()))
    }
}

//! Text is UTF-8, perhaps behind a byte order mark that belongs to nothing; of every byte the line and column are known.

use std::fmt;

use super::Input;
use super::content::Content;
use super::error::{Problem, ReadError};

const CHUNK: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A byte order mark, two characters of UTF-16, or the begin of a BSON document.
const LOOKED_AT: usize = Content::LOOKED_AT;

/// Where a character stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Its first byte, counted from 0.
    pub byte: u64,
    /// Its line, counted from 1.
    pub line: u64,
    /// Its place in the line in characters, counted from 1.
    pub column: u64,
}

impl Position {
    /// The place behind these bytes.
    pub fn behind(mut self, bytes: &[u8]) -> Self {
        self.byte += bytes.len() as u64;
        for &byte in bytes {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                // All but the first byte of a character.
                0x80..=0xBF => {}
                _ => self.column += 1,
            }
        }
        self
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Reads text.
pub struct Text {
    input: Input,
    chunk: Vec<u8>,
    /// What of the chunk was not taken yet begins here.
    next: usize,
    position: Position,
}

impl Text {
    /// Leaves out a byte order mark.
    ///
    /// # Errors
    /// [`Problem::Encoding`] for UTF-16, [`Problem::Dump`] for what mongodump makes, and those of [`Input::peek`].
    pub fn new(mut input: Input) -> Result<Self, ReadError> {
        let begin = input.peek(LOOKED_AT)?;
        let problem = match *begin {
            [0xFF, 0xFE, ..] => Some(Problem::Encoding("UTF-16LE")),
            [0xFE, 0xFF, ..] => Some(Problem::Encoding("UTF-16BE")),
            _ if Content::of(begin) != Content::Other => Some(Problem::Dump),
            // Neither JSON nor a table begins so.
            [first, 0] | [first, 0, _, 0, ..] if first != 0 && begin.get(2) != Some(&0) => {
                Some(Problem::Encoding("UTF-16LE"))
            }
            [0, second] | [0, second, 0, _, ..] if second != 0 && begin.get(3) != Some(&0) => {
                Some(Problem::Encoding("UTF-16BE"))
            }
            _ => None,
        };
        let has_mark = begin.starts_with(BYTE_ORDER_MARK);
        if let Some(problem) = problem {
            return Err(input.error(0, problem));
        }
        let mut byte = 0;
        if has_mark {
            byte = input.read_up_to(&mut [0; BYTE_ORDER_MARK.len()])? as u64;
        }
        Ok(Self { input, chunk: Vec::new(), next: 0, position: Position { byte, line: 1, column: 1 } })
    }

    /// Where the next byte stands.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Some of the bytes to come; none at the end.
    ///
    /// # Errors
    /// [`Problem::Io`], [`Problem::Gzip`].
    pub fn rest(&mut self) -> Result<&[u8], ReadError> {
        if self.next == self.chunk.len() {
            // Zeroed as it is allocated, not byte by byte.
            if self.chunk.capacity() == 0 {
                self.chunk = vec![0; CHUNK];
            }
            self.chunk.resize(CHUNK, 0);
            let count = self.input.read_some(&mut self.chunk)?;
            self.chunk.truncate(count);
            self.next = 0;
        }
        Ok(&self.chunk[self.next..])
    }

    /// Goes on behind the first `count` bytes of [`Text::rest`].
    pub fn take(&mut self, count: usize) {
        self.position = self.position.behind(&self.chunk[self.next..self.next + count]);
        self.next += count;
    }

    /// The next byte, which is still to be taken.
    ///
    /// # Errors
    /// [`Problem::Io`], [`Problem::Gzip`].
    pub fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        Ok(self.rest()?.first().copied())
    }

    /// An error at a byte.
    pub fn error(&self, at: u64, problem: Problem) -> ReadError {
        self.input.error(at, problem)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn text(bytes: &[u8]) -> Result<Text, ReadError> {
        Input::new("f", Cursor::new(bytes.to_vec())).and_then(Text::new)
    }

    #[test]
    fn lines_and_columns_are_those_of_an_editor() {
        let mut text = text("\u{feff}a\u{e4}\r\n\u{1f600}x".as_bytes()).expect("text");
        let mut positions = Vec::new();
        while text.peek().expect("a byte").is_some() {
            text.take(1);
            let Position { byte, line, column } = text.position();
            positions.push((byte, line, column));
        }
        let first = [(4, 1, 2), (5, 1, 3), (6, 1, 3), (7, 1, 4), (8, 2, 1)];
        assert_eq!(positions, [&first[..], &[(9, 2, 2), (10, 2, 2), (11, 2, 2), (12, 2, 2), (13, 2, 3)]].concat());
    }

    #[test]
    fn other_encodings_are_named() {
        for (bytes, name) in [
            (&b"\xff\xfe{\0"[..], "UTF-16LE"),
            (b"\xfe\xff\0{", "UTF-16BE"),
            (b"{\0\"\0", "UTF-16LE"),
            (b"\0{\0\"", "UTF-16BE"),
        ] {
            let error = text(bytes).err().expect("it is not UTF-8").to_string();
            assert!(error.contains(&format!("this is {name}, not UTF-8")), "{error}");
        }
        assert!(text(b"").is_ok() && text(b"1").is_ok() && text(b"\xef\xbb").is_ok());
    }
}

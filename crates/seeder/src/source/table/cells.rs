//! The cells of a row: RFC 4180 to the letter where it matters, for a quote in the wrong place makes many rows one.

use std::str::from_utf8;

use crate::input::error::ReadError;
use crate::input::text::{Position, Text};

/// What a row may take.
const LONGEST: u64 = 16 << 20;

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// CSV: cells may be in quotes.
    Comma,
    /// TSV: a quote is a character like others.
    Tab,
}

/// The row is wrong.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) position: Position,
    pub(super) problem: String,
}

/// The cells of one row.
pub(super) struct Cells {
    separator: Separator,
    bytes: Vec<u8>,
    /// Where each cell ends in `bytes`, and where it began in the file.
    cells: Vec<(usize, Position)>,
    is_quoted: bool,
}

/// What ends a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Cell,
    Row,
}

type Read<T> = Result<Result<T, Wrong>, ReadError>;

impl Cells {
    pub(super) fn new(separator: Separator) -> Self {
        Self { separator, bytes: Vec::new(), cells: Vec::new(), is_quoted: false }
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nothing at all stands in the line.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.len() == 1 && self.bytes.is_empty() && !self.is_quoted
    }

    /// The texts of all cells.
    pub(super) fn texts(&self) -> impl Iterator<Item = Result<&str, Wrong>> {
        let mut begin = 0;
        self.cells.iter().map(move |&(end, position)| {
            let cell = &self.bytes[begin..end];
            begin = end;
            from_utf8(cell).map_err(|error| Wrong {
                position: position.behind(&cell[..error.valid_up_to()]),
                problem: "it is not UTF-8: convert the file, for instance with `iconv -f WINDOWS-1252 -t UTF-8`"
                    .to_owned(),
            })
        })
    }

    /// Reads one row, up to the end of its last line.
    pub(super) fn read(&mut self, input: &mut Text) -> Read<()> {
        self.bytes.clear();
        self.cells.clear();
        self.is_quoted = false;
        let begin = input.position();
        loop {
            let position = input.position();
            let ends = if self.separator == Separator::Comma && input.peek()? == Some(b'"') {
                self.is_quoted = true;
                self.quoted(input, begin)?
            } else {
                self.plain(input, begin)?
            };
            let ends = match ends {
                Ok(ends) => ends,
                Err(wrong) => return Ok(Err(wrong)),
            };
            self.cells.push((self.bytes.len(), position));
            if ends == Ends::Row {
                return Ok(Ok(()));
            }
        }
    }

    fn plain(&mut self, input: &mut Text, begin: Position) -> Read<Ends> {
        let (separator, is_comma) = (self.separator.byte(), self.separator == Separator::Comma);
        loop {
            let rest = input.rest()?;
            let is_special =
                |byte: &u8| *byte == separator || matches!(byte, b'\r' | b'\n') || is_comma && *byte == b'"';
            let count = rest.iter().position(is_special).unwrap_or(rest.len());
            self.bytes.extend_from_slice(&rest[..count]);
            let is_end = rest.is_empty();
            let found = rest.get(count).copied();
            input.take(count);
            match found {
                Some(b'"') => {
                    let problem = "a quote in a cell that is not in quotes: put the whole cell in quotes, and double the \
                                   quotes in it";
                    return Ok(Err(Wrong { position: input.position(), problem: problem.to_owned() }));
                }
                Some(_) => return end_of_cell(input, separator).map(Ok),
                None if is_end => return Ok(Ok(Ends::Row)),
                None => {}
            }
            if let Err(wrong) = within(input, begin) {
                return Ok(Err(wrong));
            }
        }
    }

    fn quoted(&mut self, input: &mut Text, begin: Position) -> Read<Ends> {
        let opening = input.position();
        input.take(1);
        loop {
            let rest = input.rest()?;
            if rest.is_empty() {
                let problem = "the quote that opens here is never closed".to_owned();
                return Ok(Err(Wrong { position: opening, problem }));
            }
            let quote = rest.iter().position(|byte| *byte == b'"');
            let count = quote.unwrap_or(rest.len());
            self.bytes.extend_from_slice(&rest[..count]);
            input.take(count);
            if quote.is_some() {
                input.take(1);
                match input.peek()? {
                    Some(b'"') => {
                        self.bytes.push(b'"');
                        input.take(1);
                    }
                    None => return Ok(Ok(Ends::Row)),
                    Some(b',' | b'\r' | b'\n') => return end_of_cell(input, b',').map(Ok),
                    Some(_) => {
                        let problem =
                            "text behind the quote that closes a cell: double the quotes in a cell".to_owned();
                        return Ok(Err(Wrong { position: input.position(), problem }));
                    }
                }
            }
            if let Err(wrong) = within(input, begin) {
                return Ok(Err(Wrong { position: opening, ..wrong }));
            }
        }
    }
}

impl Separator {
    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Tab => b'\t',
        }
    }
}

/// Takes a separator, or the end of a line: LF, CRLF, or CR as old Macs wrote it.
fn end_of_cell(input: &mut Text, separator: u8) -> Result<Ends, ReadError> {
    let byte = input.peek()?;
    input.take(1);
    if byte == Some(separator) {
        return Ok(Ends::Cell);
    }
    if byte == Some(b'\r') && input.peek()? == Some(b'\n') {
        input.take(1);
    }
    Ok(Ends::Row)
}

fn within(input: &Text, begin: Position) -> Result<(), Wrong> {
    if input.position().byte - begin.byte <= LONGEST {
        return Ok(());
    }
    let problem = format!("no row ends within {LONGEST} bytes: is a quote not closed?");
    Err(Wrong { position: begin, problem })
}

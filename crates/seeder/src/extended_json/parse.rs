//! The text of a JSON object into a BSON document. Numbers are exact, and have the type that mongoimport gives them; where
//! a value cannot be kept as it is written, that is an error or a remark.

use todo_store::raw::MAX_DEPTH;

use super::{Remarks, shell, wrappers};

/// Which language the text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// JSON, and extended JSON: version 2 and what mongoimport takes of version 1.
    #[default]
    Json,
    /// Also what the mongo shell and mongoexport before 2.4 write: `ObjectId("…")`, `{a: 'b'}`, `/x/i`.
    Shell,
}

/// The text is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The byte of the text.
    pub at: usize,
    /// What is wrong there.
    pub problem: String,
}

pub(super) type Parsed<T> = Result<T, Wrong>;

/// So many names are compared each with each other, which is fast and takes no memory.
const FEW: usize = 16;

pub(super) const DOUBLE: u8 = 0x01;
pub(super) const STRING: u8 = 0x02;
pub(super) const DOCUMENT: u8 = 0x03;
const ARRAY: u8 = 0x04;
const BOOLEAN: u8 = 0x08;
const NULL: u8 = 0x0A;
pub(super) const INT: u8 = 0x10;
pub(super) const LONG: u8 = 0x12;

/// Appends the document that an object stands for. `text` is the object, from brace to brace.
///
/// # Errors
/// [`Wrong`].
pub fn document(text: &[u8], dialect: Dialect, out: &mut Vec<u8>) -> Result<Remarks, Wrong> {
    let begin = out.len();
    let mut parser = Parser {
        text,
        at: 0,
        dialect,
        out: std::mem::take(out),
        elements: Vec::new(),
        depth: 0,
        remarks: Remarks::default(),
    };
    let parsed = parser.whole();
    *out = parser.out;
    parsed.map(|()| parser.remarks).inspect_err(|_| out.truncate(begin))
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    pub(super) dialect: Dialect,
    pub(super) out: Vec<u8>,
    /// Where the fields of the objects that are open begin in `out`.
    elements: Vec<usize>,
    depth: usize,
    pub(super) remarks: Remarks,
}

impl Parser<'_> {
    fn whole(&mut self) -> Parsed<()> {
        let begin = self.out.len();
        self.space();
        self.expect(b'{', "an object")?;
        self.object()?;
        self.space();
        if self.at < self.text.len() {
            return Err(self.unexpected("the end of the object"));
        }
        match wrappers::value(&self.out[begin..], self.dialect) {
            Ok(None) => Ok(()),
            _ => Err(Wrong { at: 0, problem: "it stands for a single value".to_owned() }),
        }
    }

    /// Appends a value; answers with its type.
    pub(super) fn value(&mut self) -> Parsed<u8> {
        self.space();
        match self.peek() {
            Some(b'{') => {
                let (begin, at) = (self.out.len(), self.at);
                self.at += 1;
                self.object()?;
                let value = wrappers::value(&self.out[begin..], self.dialect);
                let Some((kind, bytes)) = value.map_err(|problem| Wrong { at, problem })? else { return Ok(DOCUMENT) };
                self.out.truncate(begin);
                self.out.extend_from_slice(&bytes);
                Ok(kind)
            }
            Some(b'[') => self.array(),
            Some(b'"') => self.string(b'"'),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.word(b"true") => Ok(self.push(BOOLEAN, &[1])),
            _ if self.word(b"false") => Ok(self.push(BOOLEAN, &[0])),
            _ if self.word(b"null") => Ok(self.push(NULL, &[])),
            _ if self.dialect == Dialect::Shell => self.shell_value(),
            _ => Err(self.unexpected("a value")),
        }
    }

    pub(super) fn push(&mut self, kind: u8, bytes: &[u8]) -> u8 {
        self.out.extend_from_slice(bytes);
        kind
    }

    /// What stands between the braces of an object, and the one that closes it.
    fn object(&mut self) -> Parsed<()> {
        let (begin, elements) = (self.open()?, self.elements.len());
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                self.space();
                self.elements.push(self.out.len());
                self.out.push(0);
                self.key()?;
                self.space();
                self.expect(b':', "a colon")?;
                self.typed_value()?;
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break self.at += 1,
                    _ => return Err(self.unexpected("a comma or the end of the object")),
                }
            }
        }
        self.last_of_each_key_wins(elements);
        self.elements.truncate(elements);
        self.close(begin);
        Ok(())
    }

    fn array(&mut self) -> Parsed<u8> {
        self.at += 1;
        self.values(b']', "a comma or the end of the array")?;
        Ok(ARRAY)
    }

    /// Values up to a closing character, as the fields `0`, `1`, …
    pub(super) fn values(&mut self, closing: u8, expected: &str) -> Parsed<()> {
        let begin = self.open()?;
        self.space();
        if self.peek() == Some(closing) {
            self.at += 1;
            self.close(begin);
            return Ok(());
        }
        for index in 0_u64.. {
            self.elements.push(self.out.len());
            self.out.push(0);
            self.out.extend_from_slice(index.to_string().as_bytes());
            self.out.push(0);
            self.typed_value()?;
            self.elements.pop();
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == closing => {
                    self.at += 1;
                    break;
                }
                _ => return Err(self.unexpected(expected)),
            }
        }
        self.close(begin);
        Ok(())
    }

    /// A value, whose type goes to the begin of the field.
    fn typed_value(&mut self) -> Parsed<()> {
        let field = *self.elements.last().expect("a field is open");
        self.out[field] = self.value()?;
        Ok(())
    }

    fn open(&mut self) -> Parsed<usize> {
        self.depth += 1;
        // What stands for a value, like a date, may be two objects deep.
        if self.depth > MAX_DEPTH + 2 {
            return Err(self.wrong(format!("it is nested deeper than {MAX_DEPTH} levels")));
        }
        self.out.extend_from_slice(&[0; 4]);
        Ok(self.out.len() - 4)
    }

    fn close(&mut self, begin: usize) {
        self.depth -= 1;
        self.out.push(0);
        // The text is far shorter than 2 GiB.
        let length = ((self.out.len() - begin) as u32).to_le_bytes();
        self.out[begin..begin + 4].copy_from_slice(&length);
    }

    /// Of fields with the same name the value of the last stays, at the place of the first.
    fn last_of_each_key_wins(&mut self, elements: usize) {
        let (out, begins) = (&self.out, &self.elements[elements..]);
        let name = |begin: usize| out[begin + 1..].split(|byte| *byte == 0).next().unwrap_or_default();
        if begins.len() <= FEW {
            let is_twin =
                |(place, begin): (usize, &usize)| begins[..place].iter().any(|other| name(*other) == name(*begin));
            if !begins.iter().enumerate().any(is_twin) {
                return;
            }
        }
        let mut names: Vec<(&[u8], usize)> =
            begins.iter().enumerate().map(|(place, begin)| (name(*begin), place)).collect();
        names.sort_unstable();
        let mut kept: Vec<(usize, usize)> = names
            .chunk_by(|one, other| one.0 == other.0)
            .filter_map(|same| Some((same.first()?.1, same.last()?.1)))
            .collect();
        if kept.len() == begins.len() {
            return;
        }
        self.remarks.duplicate_keys = true;
        kept.sort_unstable();
        let body = begins[0];
        let field = |place: usize| &out[begins[place]..begins.get(place + 1).copied().unwrap_or(out.len())];
        let fields: Vec<u8> = kept.into_iter().flat_map(|(_, last)| field(last).iter().copied()).collect();
        self.out.truncate(body);
        self.out.extend_from_slice(&fields);
    }

    fn key(&mut self) -> Parsed<()> {
        let (begin, at) = (self.out.len(), self.at);
        match self.peek() {
            Some(quote @ b'"') => self.text_in(quote)?,
            Some(quote @ b'\'') if self.dialect == Dialect::Shell => self.text_in(quote)?,
            Some(byte) if self.dialect == Dialect::Shell && shell::begins_name(byte) => {
                let length = self.text[at..].iter().take_while(|byte| shell::continues_name(**byte)).count();
                self.out.extend_from_slice(&self.text[at..at + length]);
                self.at += length;
            }
            _ => return Err(self.unexpected("a name in quotes")),
        }
        if self.out[begin..].contains(&0) {
            return Err(Wrong { at, problem: "a name cannot have a zero byte".to_owned() });
        }
        self.out.push(0);
        Ok(())
    }
}

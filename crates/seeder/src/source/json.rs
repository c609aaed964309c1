//! JSON objects, one behind the other or in an array, as mongoimport takes and mongoexport makes them: extended JSON
//! (<https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md>), so types stay.

use bson::Bson;

use crate::input::Input;
use crate::input::error::{Problem, ReadError};

/// Longer than the text of any document that MongoDB takes, but for a freak.
const LONGEST: usize = 32 << 20;
const CHUNK: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads objects.
pub struct Json {
    input: Input,
    chunk: Vec<u8>,
    /// What of the chunk was not looked at yet.
    next: usize,
    list: List,
    begin: u64,
    text: Vec<u8>,
    document: Vec<u8>,
}

/// Where between the objects we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Begin,
    /// Objects one behind the other.
    Bare,
    /// Behind `[`.
    First,
    /// Behind an object of an array.
    Comma,
    /// Behind a comma of an array.
    Object,
    End,
}

impl Json {
    /// Of these bytes.
    pub fn new(input: Input) -> Self {
        let (chunk, text, document) = (Vec::new(), Vec::new(), Vec::new());
        Self { input, chunk, next: 0, list: List::Begin, begin: 0, text, document }
    }

    pub(crate) fn next(&mut self) -> Result<bool, ReadError> {
        if !self.find_object()? {
            return Ok(false);
        }
        self.read_object()?;
        let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&self.text);
        let value = parsed.map_err(|error| self.error(Problem::Json(error.to_string())))?;
        let bson = Bson::try_from(value).map_err(|error| self.error(Problem::Json(error.to_string())))?;
        let Bson::Document(document) = bson else {
            return Err(self.error(Problem::Json("it stands for a single value".to_owned())));
        };
        self.document = document.to_vec().map_err(|error| self.error(Problem::Json(error.to_string())))?;
        Ok(true)
    }

    pub(crate) fn document(&self) -> &[u8] {
        &self.document
    }

    pub(crate) fn begin(&self) -> u64 {
        self.begin
    }

    pub(crate) fn error(&self, problem: Problem) -> ReadError {
        self.input.error(self.begin, problem)
    }

    /// Reads up to the brace that opens an object; false at the end.
    fn find_object(&mut self) -> Result<bool, ReadError> {
        loop {
            let byte = match self.byte()? {
                Some(byte) if byte.is_ascii_whitespace() => continue,
                byte => byte,
            };
            self.begin = self.position();
            self.list = match (self.list, byte) {
                (List::Begin | List::Bare, Some(b'{')) => List::Bare,
                (List::First | List::Object, Some(b'{')) => List::Comma,
                (List::Begin, Some(b'[')) => List::First,
                (List::Begin, Some(0xef)) if self.skip_mark()? => List::Begin,
                (List::Comma, Some(b',')) => List::Object,
                (List::First | List::Comma, Some(b']')) => List::End,
                (List::Begin | List::Bare | List::End, None) => return Ok(false),
                (_, None) => return Err(self.input.error(self.input.at(), Problem::Truncated("an array"))),
                (list, Some(byte)) => {
                    let found = char::from(byte).escape_default();
                    return Err(self.error(Problem::Json(format!("{} must come here, not '{found}'", list.expected()))));
                }
            };
            if byte == Some(b'{') {
                return Ok(true);
            }
        }
    }

    /// Reads up to the brace that closes it.
    fn read_object(&mut self) -> Result<(), ReadError> {
        self.text.clear();
        self.text.push(b'{');
        let (mut depth, mut quoted, mut escaped) = (1_u64, false, false);
        while depth > 0 {
            if self.next == self.chunk.len() && !self.fill()? {
                return Err(self.input.error(self.input.at(), Problem::Truncated("an object")));
            }
            let rest = &self.chunk[self.next..];
            let mut taken = 0;
            for &byte in rest {
                taken += 1;
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    b'{' if !quoted => depth += 1,
                    b'}' if !quoted => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            self.text.extend_from_slice(&rest[..taken]);
            self.next += taken;
            if self.text.len() > LONGEST {
                return Err(self.error(Problem::Json(format!("it is longer than {LONGEST} bytes"))));
            }
        }
        Ok(())
    }

    /// Some editors put one at the beginning of a file.
    fn skip_mark(&mut self) -> Result<bool, ReadError> {
        let begins = self.position() == 0;
        Ok(begins && self.byte()? == Some(BYTE_ORDER_MARK[1]) && self.byte()? == Some(BYTE_ORDER_MARK[2]))
    }

    fn byte(&mut self) -> Result<Option<u8>, ReadError> {
        if self.next == self.chunk.len() && !self.fill()? {
            return Ok(None);
        }
        self.next += 1;
        Ok(Some(self.chunk[self.next - 1]))
    }

    /// Of the last byte.
    fn position(&self) -> u64 {
        (self.input.at() - (self.chunk.len() - self.next) as u64).saturating_sub(1)
    }

    fn fill(&mut self) -> Result<bool, ReadError> {
        self.chunk.resize(CHUNK, 0);
        let count = self.input.read_some(&mut self.chunk)?;
        self.chunk.truncate(count);
        self.next = 0;
        Ok(count > 0)
    }
}

impl List {
    fn expected(self) -> &'static str {
        match self {
            Self::Begin => "an object, or an array of objects,",
            Self::Bare | Self::Object => "an object",
            Self::First => "an object or the end of the array",
            Self::Comma => "a comma or the end of the array",
            Self::End => "nothing more",
        }
    }
}

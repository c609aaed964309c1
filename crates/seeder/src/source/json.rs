//! JSON objects, one behind the other or in an array, as mongoimport takes and mongoexport makes them: extended JSON
//! (<https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md>), so types stay.

use crate::extended_json::{Dialect, Remarks, Wrong, document};
use crate::input::error::{Problem, ReadError};
use crate::input::text::{Position, Text};
use crate::input::{Input, forget, take_large};

/// Longer than the text of any document that MongoDB takes, but for a freak.
const LONGEST: usize = 32 << 20;

/// Reads objects.
pub struct Json {
    input: Text,
    dialect: Dialect,
    list: List,
    begin: Position,
    text: Vec<u8>,
    document: Vec<u8>,
    remarks: Remarks,
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
    /// Reads objects from these bytes.
    ///
    /// # Errors
    /// [`ReadError`]: they are of another encoding, or cannot be read.
    pub fn new(input: Input, dialect: Dialect) -> Result<Self, ReadError> {
        let input = Text::new(input)?;
        let (begin, list) = (input.position(), List::Begin);
        Ok(Self { input, dialect, list, begin, text: Vec::new(), document: Vec::new(), remarks: Remarks::default() })
    }

    pub(crate) fn next(&mut self) -> Result<bool, ReadError> {
        if !self.find_object()? {
            return Ok(false);
        }
        self.read_object()?;
        self.document.clear();
        self.remarks = document(&self.text, self.dialect, &mut self.document).map_err(|Wrong { at, problem }| {
            let position = self.begin.behind(&self.text[..at]);
            self.error(Problem::Json(format!("{problem} ({position})")))
        })?;
        Ok(true)
    }

    pub(crate) fn document(&self) -> &[u8] {
        &self.document
    }

    pub(crate) fn take_large(&mut self) -> Option<Vec<u8>> {
        take_large(&mut self.document)
    }

    pub(crate) fn forget(&mut self) {
        forget(&mut self.text);
        forget(&mut self.document);
    }

    pub(crate) fn remarks(&self) -> Remarks {
        self.remarks
    }

    pub(crate) fn begin(&self) -> u64 {
        self.begin.byte
    }

    pub(crate) fn error(&self, problem: Problem) -> ReadError {
        self.input.error(self.begin.byte, problem)
    }

    fn cut_off(&self, inside: &'static str) -> ReadError {
        self.input.error(self.input.position().byte, Problem::Truncated(inside))
    }

    /// Goes up to the brace that opens an object; false at the end.
    fn find_object(&mut self) -> Result<bool, ReadError> {
        loop {
            let byte = self.input.peek()?;
            if byte.is_some_and(|byte| byte.is_ascii_whitespace()) {
                self.input.take(1);
                continue;
            }
            self.begin = self.input.position();
            self.list = match (self.list, byte) {
                (List::Begin | List::Bare, Some(b'{')) => List::Bare,
                (List::First | List::Object, Some(b'{')) => List::Comma,
                (List::Begin, Some(b'[')) => List::First,
                (List::Comma, Some(b',')) => List::Object,
                (List::First | List::Comma, Some(b']')) => List::End,
                (List::Begin | List::Bare | List::End, None) => return Ok(false),
                (_, None) => return Err(self.cut_off("an array")),
                (list, Some(byte)) => {
                    let (found, expected) = (char::from(byte).escape_default(), list.expected());
                    let problem = format!("{expected} must come here, not '{found}' ({})", self.begin);
                    return Err(self.error(Problem::Json(problem)));
                }
            };
            if byte == Some(b'{') {
                return Ok(true);
            }
            self.input.take(1);
        }
    }

    /// Reads up to the brace that closes it.
    fn read_object(&mut self) -> Result<(), ReadError> {
        self.text.clear();
        let (mut depth, mut quote, mut escaped) = (0_u64, None, false);
        let shell = self.dialect == Dialect::Shell;
        loop {
            let rest = self.input.rest()?;
            if rest.is_empty() {
                return Err(self.cut_off("an object"));
            }
            let mut taken = 0;
            for &byte in rest {
                taken += 1;
                match (byte, quote) {
                    _ if escaped => escaped = false,
                    (b'\\', Some(_)) => escaped = true,
                    (_, Some(closing)) if byte == closing => quote = None,
                    (_, Some(_)) => {}
                    (b'"', None) => quote = Some(byte),
                    // The shell's texts and regular expressions.
                    (b'\'' | b'/', None) if shell => quote = Some(byte),
                    (b'{', None) => depth += 1,
                    (b'}', None) => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            self.text.extend_from_slice(&rest[..taken]);
            self.input.take(taken);
            if depth == 0 {
                return Ok(());
            }
            if self.text.len() > LONGEST {
                return Err(self.error(Problem::Json(format!("it is longer than {LONGEST} bytes ({})", self.begin))));
            }
        }
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

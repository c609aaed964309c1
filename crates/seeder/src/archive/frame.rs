//! The frames an archive is made of: BSON documents and terminators. No length is used before it is checked.

use crate::input::content::LENGTHS;
use crate::input::error::{Problem, ReadError};
use crate::input::{Input, forget, take_large};

/// Stands where a length would.
const TERMINATOR: i32 = -1;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// See [`Frames::document`].
    Document,
    /// Ends a block.
    Terminator,
}

/// Reads frames.
pub(crate) struct Frames {
    input: Input,
    document: Vec<u8>,
    begin: u64,
}

impl Frames {
    pub(crate) fn new(input: Input) -> Self {
        Self { input, document: Vec::new(), begin: 0 }
    }

    /// The next frame; none if the file ends here.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, ReadError> {
        self.begin = self.input.at();
        let mut length = [0; 4];
        match self.input.read_up_to(&mut length)? {
            0 => return Ok(None),
            4 => {}
            _ => return Err(self.input.error(self.input.at(), Problem::Truncated("a length"))),
        }
        let bytes = length;
        let length = i32::from_le_bytes(bytes);
        if length == TERMINATOR {
            return Ok(Some(Frame::Terminator));
        }
        if !LENGTHS.contains(&length) {
            return Err(self.error(Problem::Length(length)));
        }
        self.document.clear();
        self.document.extend_from_slice(&bytes);
        self.input.append(&mut self.document, length as usize - bytes.len(), "a document")?;
        if self.document.last() != Some(&0) {
            return Err(self.error(Problem::Unclosed(length as usize)));
        }
        Ok(Some(Frame::Document))
    }

    /// The bytes of the last document.
    pub(crate) fn document(&self) -> &[u8] {
        &self.document
    }

    /// The bytes of the last document, if it is large. They are gone then.
    pub(crate) fn take_large(&mut self) -> Option<Vec<u8>> {
        take_large(&mut self.document)
    }

    /// Gives back the memory of the last document, if that was large.
    pub(crate) fn forget(&mut self) {
        forget(&mut self.document);
    }

    /// Where the last frame begins.
    pub(crate) fn begin(&self) -> u64 {
        self.begin
    }

    /// An error at a byte.
    pub(crate) fn error_at(&self, at: u64, problem: Problem) -> ReadError {
        self.input.error(at, problem)
    }

    /// An error in the last frame.
    pub(crate) fn error(&self, problem: Problem) -> ReadError {
        self.input.error(self.begin, problem)
    }
}

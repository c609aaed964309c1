//! `Archive`: the documents of one namespace, in their order. The checksum of every namespace is checked, also of those
//! that nobody asked for.

use std::collections::HashMap;

use bson::RawDocument;

use super::checksum::Checksum;
use super::frame::{Frame, Frames};
use super::prelude::Prelude;
use crate::input::Input;
use crate::input::error::{Problem, ReadError};
use crate::namespace::Namespace;

/// An archive whose prelude was read.
pub struct Archive {
    prelude: Prelude,
    frames: Frames,
    places: HashMap<Namespace, usize>,
    streams: Vec<Stream>,
    /// Whose block this is.
    block: Block,
}

/// The documents of one namespace.
struct Stream {
    namespace: Namespace,
    state: State,
}

#[derive(Clone)]
enum State {
    Unseen,
    Open(Checksum),
    Ended,
}

#[derive(Clone, Copy)]
enum Block {
    Between,
    Of(usize),
    /// The header said that there is nothing more of this one.
    EndOf(usize),
}

impl Archive {
    /// Reads the magic number and the prelude.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(input: Input) -> Result<Self, ReadError> {
        let (prelude, frames) = Prelude::read(input)?;
        let (mut streams, mut places) = (Vec::new(), HashMap::new());
        for (at, described) in prelude.namespaces.iter().enumerate() {
            streams.push(Stream { namespace: described.namespace.clone(), state: State::Unseen });
            places.extend(described.of_blocks().into_iter().map(|namespace| (namespace, at)));
        }
        // A name that a collection has for itself is never another's.
        places.extend(prelude.namespaces.iter().enumerate().map(|(at, described)| (described.namespace.clone(), at)));
        Ok(Self { prelude, frames, places, streams, block: Block::Between })
    }

    /// What the archive says it holds.
    pub fn prelude(&self) -> &Prelude {
        &self.prelude
    }

    /// Reads up to the next document of `namespace`; false at the end of the archive, after all was checked.
    ///
    /// # Errors
    /// [`ReadError`]; nothing can be read after it.
    pub fn read_next(&mut self, namespace: &Namespace) -> Result<bool, ReadError> {
        loop {
            let frame = self.frames.next()?;
            match (self.block, frame) {
                (Block::Between, None) => return self.end().map(|()| false),
                (Block::Between, Some(Frame::Document)) => self.header()?,
                (Block::Between, Some(Frame::Terminator)) => return Err(self.frames.error(Problem::Headerless)),
                (_, None) => return Err(self.frames.error(Problem::Truncated("a block"))),
                (_, Some(Frame::Terminator)) => self.block = Block::Between,
                (Block::EndOf(at), Some(Frame::Document)) => {
                    let namespace = self.streams[at].namespace.clone();
                    return Err(self.frames.error(Problem::BehindEnd(namespace)));
                }
                (Block::Of(at), Some(Frame::Document)) => {
                    let stream = &mut self.streams[at];
                    if let State::Open(checksum) = &mut stream.state {
                        checksum.add(self.frames.document());
                    }
                    if stream.namespace == *namespace {
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// The bytes of the last document: of its length, and closed, but not looked into.
    pub fn document(&self) -> &[u8] {
        self.frames.document()
    }

    /// The bytes of the last document, if it is large. They are gone then.
    pub fn take_large(&mut self) -> Option<Vec<u8>> {
        self.frames.take_large()
    }

    pub(crate) fn forget(&mut self) {
        self.frames.forget();
    }

    /// Where the last document begins.
    pub fn begin(&self) -> u64 {
        self.frames.begin()
    }

    /// An error at a byte of the archive.
    pub(crate) fn error_at(&self, at: u64, problem: Problem) -> ReadError {
        self.frames.error_at(at, problem)
    }

    /// An error in the last document.
    pub fn error(&self, problem: Problem) -> ReadError {
        self.frames.error(problem)
    }

    fn header(&mut self) -> Result<(), ReadError> {
        let header = Header::parse(self.frames.document()).map_err(|error| self.error(Problem::Header(error)))?;
        let Some(&at) = self.places.get(&header.namespace) else {
            return Err(self.error(Problem::Unknown(header.namespace)));
        };
        let checksum = match &self.streams[at].state {
            State::Unseen => Checksum::new(),
            State::Open(checksum) => checksum.clone(),
            State::Ended => return Err(self.error(Problem::Reopened(header.namespace))),
        };
        let Some(said) = header.end else {
            self.streams[at].state = State::Open(checksum);
            self.block = Block::Of(at);
            return Ok(());
        };
        let found = checksum.sum();
        if found != said {
            return Err(self.error(Problem::Checksum { namespace: header.namespace, found, said }));
        }
        self.streams[at].state = State::Ended;
        self.block = Block::EndOf(at);
        Ok(())
    }

    /// Every namespace must have been ended.
    fn end(&self) -> Result<(), ReadError> {
        match self.streams.iter().find(|stream| !matches!(stream.state, State::Ended)) {
            None => Ok(()),
            Some(stream) => Err(self.error(Problem::Unfinished(stream.namespace.clone()))),
        }
    }
}

/// The first document of a block.
struct Header {
    namespace: Namespace,
    /// The CRC-64, in the last block of the namespace.
    end: Option<u64>,
}

impl Header {
    fn parse(document: &[u8]) -> Result<Self, String> {
        let document = RawDocument::from_bytes(document).map_err(|error| error.to_string())?;
        let text = |field| document.get_str(field).map_err(|_| format!("{field} must be a string"));
        let namespace = Namespace::new(text("db")?, text("collection")?);
        let ends = document.get_bool("EOF").map_err(|_| "EOF must be true or false")?;
        let sum = document.get_i64("CRC").map_err(|_| "CRC must be a 64-bit number")?;
        Ok(Self { namespace, end: ends.then_some(sum as u64) })
    }
}

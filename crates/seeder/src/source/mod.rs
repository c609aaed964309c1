//! Where documents come from: one at a time, each with its position, and never more in memory than one.
//!
//! - [`crate::input`]: bytes, and what is wrong with them.
//! - [`dump`]: what mongodump makes: an archive, a folder, a `.bson` file. `folder`: which file of a folder it is.
//! - [`json`], [`table`]: text.

pub mod dump;
mod folder;
pub mod json;
pub mod table;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use self::json::Json;
use self::table::Table;
use crate::archive::frame::{Frame, Frames};
use crate::archive::reader::Archive;
use crate::extended_json::Remarks;
use crate::input::Input;
use crate::input::error::{Problem, ReadError};
use crate::namespace::Namespace;

/// One document after the other.
pub enum Source {
    /// One namespace of an archive.
    Archive(Box<Archive>, Namespace),
    /// Documents one behind the other.
    Bson(Bson),
    /// JSON objects.
    Json(Json),
    /// Rows of a table.
    Table(Box<Table>),
}

impl Source {
    /// Reads the next document; false at the end.
    ///
    /// # Errors
    /// [`ReadError`]; nothing can be read after it.
    pub fn read_next(&mut self) -> Result<bool, ReadError> {
        match self {
            Self::Archive(archive, namespace) => archive.read_next(namespace),
            Self::Bson(bson) => bson.next(),
            Self::Json(json) => json.next(),
            Self::Table(table) => table.next(),
        }
    }

    /// The bytes of the last document; what is in them has not been looked at.
    pub fn document(&self) -> &[u8] {
        match self {
            Self::Archive(archive, _) => archive.document(),
            Self::Bson(bson) => bson.0.document(),
            Self::Json(json) => json.document(),
            Self::Table(table) => table.document(),
        }
    }

    /// The bytes of the last document, if it is large. They are gone then.
    pub fn take_large(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Archive(archive, _) => archive.take_large(),
            Self::Bson(bson) => bson.0.take_large(),
            Self::Json(json) => json.take_large(),
            // Rows are not that long.
            Self::Table(_) => None,
        }
    }

    /// Gives back the memory of the last document, if that was large.
    pub fn forget(&mut self) {
        match self {
            Self::Archive(archive, _) => archive.forget(),
            Self::Bson(bson) => bson.0.forget(),
            Self::Json(json) => json.forget(),
            Self::Table(_) => {}
        }
    }

    /// What was not kept of the last document.
    pub fn remarks(&self) -> Remarks {
        match self {
            Self::Json(json) => json.remarks(),
            Self::Archive(..) | Self::Bson(_) | Self::Table(_) => Remarks::default(),
        }
    }

    /// Where the last document begins, in bytes after decompression.
    pub fn begin(&self) -> u64 {
        match self {
            Self::Archive(archive, _) => archive.begin(),
            Self::Bson(bson) => bson.0.begin(),
            Self::Json(json) => json.begin(),
            Self::Table(table) => table.begin(),
        }
    }

    /// An error in the last document.
    pub fn error(&self, problem: Problem) -> ReadError {
        match self {
            Self::Archive(archive, _) => archive.error(problem),
            Self::Bson(bson) => bson.0.error(problem),
            Self::Json(json) => json.error(problem),
            Self::Table(table) => table.error(problem),
        }
    }
}

/// A `.bson` file.
pub struct Bson(Frames);

impl Bson {
    /// Of these bytes.
    pub fn new(input: Input) -> Self {
        Self(Frames::new(input))
    }

    fn next(&mut self) -> Result<bool, ReadError> {
        match self.0.next()? {
            None => Ok(false),
            Some(Frame::Document) => Ok(true),
            Some(Frame::Terminator) => Err(self.0.error(Problem::Length(-1))),
        }
    }
}

/// How far the reading is: bytes of the file, before decompression.
#[derive(Debug, Clone)]
pub struct Extent {
    /// So many were read.
    pub read: Arc<AtomicU64>,
    /// Of so many; none if nobody knows.
    pub total: Option<u64>,
}

impl Extent {
    /// Of a file that is read by `input`.
    pub fn of(path: &Path, input: &Input) -> Self {
        let metadata = std::fs::metadata(path).ok().filter(|metadata| metadata.is_file());
        Self { read: input.bytes_read(), total: metadata.map(|metadata| metadata.len()) }
    }
}

//! `ReadError`: what is wrong with what was read, and at which byte.

use std::fmt;
use std::io;

use thiserror::Error;

use crate::namespace::Namespace;

/// What is wrong, and where.
#[derive(Debug, Error)]
#[error("{file}: {place}: {problem}")]
pub struct ReadError {
    /// The file's name as the user gave it.
    pub file: String,
    /// The byte that is wrong, or the first of what is.
    pub place: Place,
    /// What is wrong with it.
    pub problem: Problem,
}

/// A position, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Of the file.
    Byte(u64),
    /// Of the file that a gzip file holds.
    Unzipped(u64),
    /// Of a gzip file itself.
    Zipped(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte(at) => write!(f, "byte {at}"),
            Self::Unzipped(at) => write!(f, "byte {at} of the decompressed file"),
            Self::Zipped(at) => write!(f, "byte {at} of the compressed file"),
        }
    }
}

/// What can be wrong.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// The compressed data is damaged or cut off.
    #[error("the gzip data is damaged or cut off ({0}): take an undamaged copy")]
    Gzip(io::Error),
    /// It was compressed by something that did not see that it was already.
    #[error("it is gzip within gzip: take it out of one of them, for instance with `gunzip`")]
    TwiceGzip,
    /// It begins otherwise than an archive.
    #[error(
        "this is no mongodump archive: it begins with {0}, not with 6d e2 99 81, and no .bson file (for JSON and CSV there \
         is `seeder import`)"
    )]
    NotAnArchive(String),
    /// It ends too early.
    #[error("it ends inside {0}: it was cut off, take a whole copy")]
    Truncated(&'static str),
    /// A length that no document has.
    #[error("{0} is no length of a document (5 to 16793600 bytes), and no terminator")]
    Length(i32),
    /// A document without its last byte.
    #[error("the document of {0} bytes that begins here does not end with a zero byte")]
    Unclosed(usize),
    /// A document that is wrong inside.
    #[error("the document that begins here is damaged: {0}")]
    Malformed(String),
    /// A header that is wrong.
    #[error("the header that begins here is wrong: {0}")]
    Header(String),
    /// Metadata of the collection that is asked for.
    #[error("the metadata of {0} cannot be read: {1}")]
    Metadata(Namespace, String),
    /// More metadata than any real dump has.
    #[error("the prelude is over {0} bytes: this is no real dump")]
    Prelude(usize),
    /// A block of a namespace that the prelude does not name.
    #[error("a block of {0}, which the prelude does not name")]
    Unknown(Namespace),
    /// A block of a namespace that was ended before.
    #[error("a block of {0}, which was ended before")]
    Reopened(Namespace),
    /// A terminator where a header must be.
    #[error("a terminator where the header of a block must be")]
    Headerless,
    /// Documents after the end of their namespace.
    #[error("a document behind the end of {0}")]
    BehindEnd(Namespace),
    /// The checksum is another.
    #[error(
        "the CRC-64 of {namespace} is {found:016x}, the archive says {said:016x}: some of its documents are damaged, take \
         an undamaged copy"
    )]
    Checksum {
        /// Whose.
        namespace: Namespace,
        /// Of the documents that were read.
        found: u64,
        /// As the archive has it.
        said: u64,
    },
    /// The archive ends, but not its namespaces.
    #[error("it ends before {0} does: it was cut off, take a whole copy")]
    Unfinished(Namespace),
    /// A text of another encoding.
    #[error("this is {0}, not UTF-8: convert it, for instance with `iconv -f {0} -t UTF-8`")]
    Encoding(&'static str),
    /// BSON where a text must be.
    #[error("this is no text but BSON, as mongodump makes it: for that there is `seeder restore`")]
    Dump,
    /// A text that is no JSON, or no extended JSON.
    #[error("this is no JSON document: {0}")]
    Json(String),
    /// A row that is wrong.
    #[error("this is no row of the table: {0}")]
    Csv(String),
    /// A folder that holds no dump.
    #[error("the folder holds no mongodump: neither *.bson nor folders with them")]
    NoDump,
}

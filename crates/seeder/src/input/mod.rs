//! Bytes of a file or of standard input. Gzip is detected, not told; every byte has a position that errors can name.
//!
//! - [`error`]: what is wrong with the bytes, and where. [`text`]: bytes that are text, with lines and columns.
//!   `content`: what the first bytes say.

pub(crate) mod content;
pub mod error;
pub mod text;

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use self::error::{Place, Problem, ReadError};

/// RFC 1952 §2.3.1.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER: usize = 128 << 10;
/// Memory is written to in steps of this, however long a document says it is.
const STEP: usize = 1 << 20;

/// Gives back the memory of a buffer that has grown over what it usually needs.
pub(crate) fn forget(buffer: &mut Vec<u8>) {
    if buffer.capacity() > STEP {
        *buffer = Vec::new();
    }
}

/// The bytes in a buffer, if they are so many that they are better moved than copied.
pub(crate) fn take_large(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    (buffer.len() > STEP).then(|| std::mem::take(buffer))
}

/// Bytes with positions.
pub struct Input {
    name: String,
    bytes: Bytes,
    /// Bytes that were looked at, but not taken.
    ahead: Vec<u8>,
    at: u64,
    read: Arc<AtomicU64>,
}

enum Bytes {
    Plain(BufReader<Counted>),
    Gzip(Box<BufReader<MultiGzDecoder<BufReader<Counted>>>>),
}

/// Counts what is taken from the file.
struct Counted {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Input {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// [`Problem::Io`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        if path == Path::new("-") {
            return Self::new("standard input", io::stdin());
        }
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| ReadError {
            file: name.clone(),
            place: Place::Byte(0),
            problem: Problem::Io(error),
        })?;
        Self::new(&name, file)
    }

    /// What `raw` gives; errors call it `name`.
    ///
    /// # Errors
    /// [`Problem::Io`].
    pub fn new(name: &str, mut raw: impl Read + Send + 'static) -> Result<Self, ReadError> {
        let mut first = Vec::new();
        let looked = raw.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut first);
        let is_gzip = first == GZIP_MAGIC;
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: Box::new(Cursor::new(first).chain(raw)), read: Arc::clone(&read) };
        let counted = BufReader::with_capacity(BUFFER, counted);
        let bytes = if is_gzip {
            Bytes::Gzip(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(counted))))
        } else {
            Bytes::Plain(counted)
        };
        let input = Self { name: name.to_owned(), bytes, ahead: Vec::new(), at: 0, read };
        match looked {
            Ok(_) => Ok(input),
            Err(error) => Err(input.failed(error)),
        }
    }

    /// Refuses what is gzip within gzip; to be called at the begin.
    ///
    /// # Errors
    /// [`Problem::TwiceGzip`], [`Problem::Io`], [`Problem::Gzip`].
    pub fn expect_content(&mut self) -> Result<(), ReadError> {
        let is_gzip = matches!(self.bytes, Bytes::Gzip(_));
        if is_gzip && self.peek(GZIP_MAGIC.len())? == GZIP_MAGIC {
            return Err(self.error(0, Problem::TwiceGzip));
        }
        Ok(())
    }

    /// How many bytes of the file were taken so far, also from another thread.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// The position of the next byte, after decompression.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// An error at a position after decompression.
    pub fn error(&self, at: u64, problem: Problem) -> ReadError {
        let place = match self.bytes {
            Bytes::Plain(_) => Place::Byte(at),
            Bytes::Gzip(_) => Place::Unzipped(at),
        };
        ReadError { file: self.name.clone(), place, problem }
    }

    /// Reads up to `buffer.len()` bytes; fewer only at the end.
    ///
    /// # Errors
    /// [`Problem::Io`], [`Problem::Gzip`].
    pub fn read_up_to(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let count = self.read_some(&mut buffer[filled..])?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        Ok(filled)
    }

    /// The next `length` bytes, which are still to be read; fewer only at the end.
    ///
    /// # Errors
    /// [`Problem::Io`], [`Problem::Gzip`].
    pub fn peek(&mut self, length: usize) -> Result<&[u8], ReadError> {
        let mut missing = vec![0; length.saturating_sub(self.ahead.len())];
        let mut filled = 0;
        while filled < missing.len() {
            let count = self.take(&mut missing[filled..])?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        self.ahead.extend_from_slice(&missing[..filled]);
        Ok(&self.ahead[..length.min(self.ahead.len())])
    }

    /// Reads what is there, one byte at least; none at the end.
    ///
    /// # Errors
    /// [`Problem::Io`], [`Problem::Gzip`].
    pub fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let count = if self.ahead.is_empty() {
            self.take(buffer)?
        } else {
            let count = buffer.len().min(self.ahead.len());
            buffer[..count].copy_from_slice(&self.ahead[..count]);
            self.ahead.drain(..count);
            count
        };
        self.at += count as u64;
        Ok(count)
    }

    fn take(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        loop {
            let read = match &mut self.bytes {
                Bytes::Plain(plain) => plain.read(buffer),
                Bytes::Gzip(gzip) => gzip.read(buffer),
            };
            match read {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Appends `length` bytes to `buffer`.
    ///
    /// # Errors
    /// [`Problem::Truncated`] inside `what`, at the end of the file; [`Problem::Io`], [`Problem::Gzip`].
    pub fn append(&mut self, buffer: &mut Vec<u8>, length: usize, what: &'static str) -> Result<(), ReadError> {
        if length > STEP {
            // Memory that nothing is written to is none yet; a buffer that grows by doubling is copied again and again.
            buffer.reserve_exact(length);
        }
        let mut left = length;
        while left > 0 {
            let (begin, step) = (buffer.len(), left.min(STEP));
            buffer.resize(begin + step, 0);
            if self.read_up_to(&mut buffer[begin..])? < step {
                return Err(self.error(self.at, Problem::Truncated(what)));
            }
            left -= step;
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> ReadError {
        let damaged = matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        );
        let (place, problem) = match &self.bytes {
            Bytes::Gzip(gzip) if damaged => {
                let ahead = gzip.get_ref().get_ref().buffer().len() as u64;
                let at = self.read.load(Ordering::Relaxed).saturating_sub(ahead);
                (Place::Zipped(at), Problem::Gzip(error))
            }
            _ => return self.error(self.at, Problem::Io(error)),
        };
        ReadError { file: self.name.clone(), place, problem }
    }
}

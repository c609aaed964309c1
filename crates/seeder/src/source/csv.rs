//! Rows of a table with a header (RFC 4180). Every value is text, for an id like `007` is no number; an empty cell is no
//! field.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bson::RawDocumentBuf;
use bson::raw::CString;
use csv::{ErrorKind, ReaderBuilder, StringRecord};

use crate::input::Input;
use crate::input::error::{Problem, ReadError};

/// What a row may take: a quote that is never closed would swallow the rest of the file.
const LONGEST: u64 = 16 << 20;

/// Reads rows.
pub struct Csv {
    reader: csv::Reader<Fused>,
    columns: Vec<CString>,
    row: StringRecord,
    begin: u64,
    document: RawDocumentBuf,
}

impl Csv {
    /// Reads the header.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn new(input: Input) -> Result<Self, ReadError> {
        let since = Arc::new(AtomicU64::new(0));
        let reader = ReaderBuilder::new().from_reader(Fused { input, since });
        let (columns, row, document) = (Vec::new(), StringRecord::new(), RawDocumentBuf::new());
        let mut csv = Self { reader, columns, row, begin: 0, document };
        let header = csv.reader.headers().cloned().map_err(|error| csv.failed(error))?;
        for (at, name) in header.iter().enumerate() {
            // Some editors put a byte order mark at the beginning of a file.
            let name = name.trim_start_matches('\u{feff}');
            if header.iter().skip(at + 1).any(|other| other == name) {
                return Err(csv.error(Problem::Csv(format!("the header names {name} twice"))));
            }
            let column = CString::try_from(name).map_err(|error| csv.error(Problem::Csv(error.to_string())))?;
            csv.columns.push(column);
        }
        if !csv.columns.iter().any(|column| column.as_str() == "id") {
            return Err(csv.error(Problem::Csv("the header names no column id".to_owned())));
        }
        Ok(csv)
    }

    pub(crate) fn next(&mut self) -> Result<bool, ReadError> {
        self.reader.get_ref().since.store(0, Ordering::Relaxed);
        self.begin = self.reader.position().byte();
        if !self.reader.read_record(&mut self.row).map_err(|error| self.failed(error))? {
            return Ok(false);
        }
        self.document = RawDocumentBuf::new();
        for (column, value) in self.columns.iter().zip(&self.row) {
            if !value.is_empty() {
                self.document.append(column, value);
            }
        }
        Ok(true)
    }

    pub(crate) fn document(&self) -> &[u8] {
        self.document.as_bytes()
    }

    pub(crate) fn begin(&self) -> u64 {
        self.begin
    }

    pub(crate) fn error(&self, problem: Problem) -> ReadError {
        self.reader.get_ref().input.error(self.begin, problem)
    }

    fn failed(&self, error: csv::Error) -> ReadError {
        match error.into_kind() {
            ErrorKind::Io(error) => match error.downcast::<ReadError>() {
                Ok(error) => error,
                Err(error) => self.error(Problem::Io(error)),
            },
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                self.error(Problem::Csv(format!("it has {len} values, the header {expected_len}")))
            }
            ErrorKind::Utf8 { err, .. } => self.error(Problem::Csv(err.to_string())),
            other => self.error(Problem::Csv(format!("{other:?}"))),
        }
    }
}

/// Gives up on a row that does not end.
struct Fused {
    input: Input,
    /// Bytes since the last row.
    since: Arc<AtomicU64>,
}

impl Read for Fused {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since.load(Ordering::Relaxed) > LONGEST {
            let problem = Problem::Csv(format!("no row ends within {LONGEST} bytes: is a quote not closed?"));
            return Err(io::Error::other(self.input.error(self.input.at(), problem)));
        }
        let count = self.input.read_some(buffer).map_err(io::Error::other)?;
        self.since.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

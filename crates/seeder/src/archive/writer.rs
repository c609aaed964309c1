//! `Writer`: an archive that mongorestore and our own reader take.

use std::io::{self, Write};

use bson::rawdoc;

use super::TERMINATOR;
use super::checksum::Checksum;
use super::prelude::Prelude;
use crate::namespace::Namespace;

/// Writes an archive. Namespaces may be interleaved.
pub struct Writer<W> {
    out: W,
    streams: Vec<(Namespace, Checksum)>,
    /// Whose block is open.
    block: Option<usize>,
}

impl<W: Write> Writer<W> {
    /// Writes the magic number and the prelude.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, prelude: &Prelude) -> io::Result<Self> {
        out.write_all(&prelude.to_bytes())?;
        let streams =
            prelude.namespaces.iter().map(|described| (described.namespace.clone(), Checksum::new())).collect();
        Ok(Self { out, streams, block: None })
    }

    /// Writes documents, one behind the other, of the namespace at this place of the prelude.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn documents(&mut self, place: usize, documents: &[u8]) -> io::Result<()> {
        if self.block != Some(place) {
            self.close_block()?;
            self.header(place, None)?;
            self.block = Some(place);
        }
        self.streams[place].1.add(documents);
        self.out.write_all(documents)
    }

    /// Ends every namespace, with its checksum; answers with what was written to.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(mut self) -> io::Result<W> {
        for place in 0..self.streams.len() {
            // mongorestore makes a collection at its first header: an empty one has one, too.
            self.documents(place, &[])?;
            self.close_block()?;
            self.header(place, Some(self.streams[place].1.sum()))?;
            self.out.write_all(&TERMINATOR)?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn close_block(&mut self) -> io::Result<()> {
        match self.block.take() {
            Some(_) => self.out.write_all(&TERMINATOR),
            None => Ok(()),
        }
    }

    fn header(&mut self, place: usize, end: Option<u64>) -> io::Result<()> {
        let Namespace { database, collection } = &self.streams[place].0;
        let header = rawdoc! {
            "db": database.as_str(), "collection": collection.as_str(),
            "EOF": end.is_some(), "CRC": end.unwrap_or_default() as i64,
        };
        self.out.write_all(header.as_bytes())
    }
}

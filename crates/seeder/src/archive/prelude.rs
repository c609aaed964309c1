//! The prelude: what an archive says of itself and its namespaces, before any document.

use bson::{RawDocument, rawdoc};

use super::frame::{Frame, Frames};
use super::metadata::Metadata;
use super::{MAGIC, TERMINATOR};
use crate::input::Input;
use crate::input::error::{Problem, ReadError};
use crate::namespace::{Kind, Namespace};

/// Metadata of ten thousand collections; what a hostile archive can make us keep.
const LONGEST: usize = 16 << 20;
/// The version of the format (`archiveFormatVersion` of mongo-tools).
const VERSION: &str = "0.1";
/// The data of a time-series collection is in a collection of its own.
const BUCKETS: &str = "system.buckets.";

/// The namespaces of an archive.
#[derive(Debug, Clone, Default)]
pub struct Prelude {
    /// In the order of the archive.
    pub namespaces: Vec<Described>,
}

/// A namespace, as the prelude describes it.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its name.
    pub namespace: Namespace,
    /// What it is.
    pub kind: Kind,
    /// Its options and indexes.
    pub metadata: Metadata,
}

impl Described {
    /// The namespace that blocks of it name.
    pub fn of_blocks(&self) -> Namespace {
        let Namespace { database, collection } = &self.namespace;
        match self.kind {
            Kind::TimeSeries => Namespace::new(database, format!("{BUCKETS}{collection}")),
            _ => self.namespace.clone(),
        }
    }
}

impl Prelude {
    /// Names and kinds, to [choose](crate::namespace::choose) from.
    pub fn names(&self) -> Vec<(Namespace, Kind)> {
        self.namespaces.iter().map(|described| (described.namespace.clone(), described.kind)).collect()
    }

    /// Reads the magic number and the prelude.
    pub(crate) fn read(mut input: Input) -> Result<(Self, Frames), ReadError> {
        let mut magic = [0; MAGIC.len()];
        let length = input.read_up_to(&mut magic)?;
        if magic != MAGIC {
            return Err(input.error(0, Problem::NotAnArchive(shown(&magic[..length]))));
        }
        let mut frames = Frames::new(input);
        // About the archive: nothing in it is needed.
        expect_document(&mut frames)?;
        let (mut prelude, mut size) = (Self::default(), 0);
        while expect(&mut frames)? == Frame::Document {
            size += frames.document().len();
            if size > LONGEST {
                return Err(frames.error(Problem::Prelude(LONGEST)));
            }
            let described = describe(frames.document()).map_err(|error| frames.error(Problem::Header(error)))?;
            prelude.namespaces.push(described);
        }
        Ok((prelude, frames))
    }

    /// The magic number and the prelude.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let about = rawdoc! {
            "concurrent_collections": 1, "version": VERSION, "server_version": "", "tool_version": "",
        };
        bytes.extend_from_slice(about.as_bytes());
        for Described { namespace, kind, metadata } in &self.namespaces {
            let kind = match kind {
                Kind::Collection => "collection",
                Kind::View => "view",
                Kind::TimeSeries => "timeseries",
            };
            let described = rawdoc! {
                "db": namespace.database.as_str(), "collection": namespace.collection.as_str(),
                "metadata": metadata.to_json(), "size": 0, "type": kind,
            };
            bytes.extend_from_slice(described.as_bytes());
        }
        bytes.extend_from_slice(&TERMINATOR);
        bytes
    }
}

fn describe(document: &[u8]) -> Result<Described, String> {
    let document = RawDocument::from_bytes(document).map_err(|error| error.to_string())?;
    let text = |field| document.get_str(field).map_err(|_| format!("{field} must be a string"));
    let namespace = Namespace::new(text("db")?, text("collection")?);
    let metadata = Metadata::parse(text("metadata").unwrap_or_default());
    let metadata = metadata.map_err(|error| format!("the metadata of {namespace}: {error}"))?;
    let kind = match document.get_str("type") {
        Ok("view") => Kind::View,
        Ok("timeseries") => Kind::TimeSeries,
        _ => metadata.kind(),
    };
    Ok(Described { namespace, kind, metadata })
}

fn expect(frames: &mut Frames) -> Result<Frame, ReadError> {
    let frame = frames.next()?;
    frame.ok_or_else(|| frames.error(Problem::Truncated("the prelude")))
}

fn expect_document(frames: &mut Frames) -> Result<(), ReadError> {
    match expect(frames)? {
        Frame::Document => Ok(()),
        Frame::Terminator => Err(frames.error(Problem::Headerless)),
    }
}

fn shown(bytes: &[u8]) -> String {
    match bytes {
        [] => "nothing".to_owned(),
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
    }
}

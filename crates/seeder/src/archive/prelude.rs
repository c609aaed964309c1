//! The prelude: what an archive says of itself and its namespaces, before any document.

use std::collections::HashSet;

use bson::{RawBsonRef, RawDocument, rawdoc};

use super::TERMINATOR;
use super::frame::{Frame, Frames};
use super::metadata::Metadata;
use crate::input::Input;
use crate::input::content::MAGIC;
use crate::input::error::{Problem, ReadError};
use crate::namespace::{Kind, Namespace};

/// Metadata of ten thousand collections; what a hostile archive can make us keep.
const LONGEST: usize = 16 << 20;
/// The version of the format (`archiveFormatVersion` of mongo-tools).
const VERSION: &str = "0.1";
/// What made the archive. mongorestore shows it, and reads nothing out of it.
const TOOL_VERSION: &str = concat!("seeder ", env!("CARGO_PKG_VERSION"));
/// Dumps of this release look like ours: a collection of its own for the buckets of a time-series collection, indexes of
/// version 2. It stands for a source that is no MongoDB.
const SERVER_VERSION: &str = "8.0.0";
/// The data of a time-series collection is in a collection of its own.
const BUCKETS: &str = "system.buckets.";

/// The namespaces of an archive.
#[derive(Debug, Clone, Default)]
pub struct Prelude {
    /// The version of the server that the documents come from, see [`server_version`].
    pub server_version: String,
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
    /// The namespaces that blocks of it may name. Servers before 8.3 keep the documents of a time-series collection in
    /// another collection, and their dumps say so; later ones do not.
    pub(crate) fn of_blocks(&self) -> Vec<Namespace> {
        let Namespace { database, collection } = &self.namespace;
        match self.kind {
            Kind::TimeSeries => {
                vec![Namespace::new(database, format!("{BUCKETS}{collection}")), self.namespace.clone()]
            }
            _ => vec![self.namespace.clone()],
        }
    }
}

/// The version that an archive says its server has: three numbers, for mongorestore since 100.16 refuses every archive
/// where there is nothing, or something else.
pub fn server_version(told: Option<String>) -> String {
    // As mongo-tools reads it (`StrToVersion`): up to a build's name.
    let is_version = |version: &String| {
        let numbers = version.split(['-', '+']).next().unwrap_or_default();
        let numbers: Vec<_> = numbers.split('.').collect();
        numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok())
    };
    told.filter(is_version).unwrap_or_else(|| SERVER_VERSION.to_owned())
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
        expect_document(&mut frames)?;
        let about =
            RawDocument::from_bytes(frames.document()).ok().and_then(|about| about.get("server_version").ok()?);
        let server_version = about.and_then(|version| version.as_str()).unwrap_or_default().to_owned();
        let (mut prelude, mut size) = (Self { server_version, namespaces: Vec::new() }, 0);
        let mut known = HashSet::new();
        while expect(&mut frames)? == Frame::Document {
            size += frames.document().len();
            if size > LONGEST {
                return Err(frames.error(Problem::Prelude(LONGEST)));
            }
            let described =
                describe(frames.document(), frames.begin()).map_err(|error| frames.error(Problem::Header(error)))?;
            // mongorestore takes one that is described twice, too.
            if known.insert(described.namespace.clone()) {
                prelude.namespaces.push(described);
            }
        }
        Ok((prelude, frames))
    }

    /// The magic number and the prelude.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let about = rawdoc! {
            "concurrent_collections": 1, "version": VERSION,
            "server_version": self.server_version.as_str(), "tool_version": TOOL_VERSION,
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

/// Metadata that cannot be read is not an error here: it may be that of a collection that nobody asked for.
fn describe(document: &[u8], begin: u64) -> Result<Described, String> {
    let document = RawDocument::from_bytes(document).map_err(|error| error.to_string())?;
    let text = |field| document.get_str(field).map_err(|_| format!("{field} must be a string"));
    let namespace = Namespace::new(text("db")?, text("collection")?);
    let metadata = match document.get("metadata") {
        Ok(Some(RawBsonRef::String(json))) => Metadata::read(json.as_bytes(), begin),
        Ok(None | Some(RawBsonRef::Null)) => Metadata::default(),
        _ => Metadata::unreadable("it is no text", begin),
    };
    let kind = match document.get_str("type") {
        Ok("view") if metadata.damage().is_some() => Kind::View,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_says_a_version_that_mongorestore_can_read() {
        for (told, said) in [
            (Some("6.0.5"), "6.0.5"),
            (Some("7.0.4-2"), "7.0.4-2"),
            (Some("8.3.0-rc1+build"), "8.3.0-rc1+build"),
            (None, SERVER_VERSION),
            (Some(""), SERVER_VERSION),
            (Some("unknown"), SERVER_VERSION),
            (Some("7.0"), SERVER_VERSION),
            (Some("1.2.3.4"), SERVER_VERSION),
        ] {
            assert_eq!(server_version(told.map(ToOwned::to_owned)), said, "{told:?}");
        }
    }
}

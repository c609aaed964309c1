//! What mongodump makes: an archive, a folder, or one `.bson` file of a folder. What is not restored has a name.

use std::path::Path;

use thiserror::Error;

use super::folder::Folder;
use super::{Bson, Extent, Source};
use crate::archive::metadata::Metadata;
use crate::archive::reader::Archive;
use crate::input::Input;
use crate::input::error::ReadError;
use crate::namespace::{ChoiceError, Kind, Namespace, choose};

/// A dump that is about to be read.
pub struct Dump {
    /// The documents of the namespace.
    pub source: Source,
    /// What was chosen.
    pub namespace: Namespace,
    /// Its options and indexes.
    pub metadata: Metadata,
    /// What else there is.
    pub others: Vec<(Namespace, Kind)>,
    /// How much there is to read.
    pub extent: Extent,
}

/// The dump cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It is damaged, or none.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not clear what to restore, or it cannot be restored.
    #[error("{file}: {source}")]
    Choice {
        /// The file or folder, as the user gave it.
        file: String,
        /// Why.
        source: ChoiceError,
    },
}

impl Dump {
    /// Opens a file, a folder, or standard input (`-`). `wanted` is the namespace; see [`choose`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path, wanted: Option<&Namespace>) -> Result<Self, OpenError> {
        let choice = |there: &[_]| {
            choose(there, wanted).map_err(|source| OpenError::Choice { file: path.display().to_string(), source })
        };
        if path.is_dir() || is_bson(path) {
            let folder = if path.is_dir() { Folder::read(path)? } else { Folder::of_file(path)? };
            let there = folder.names();
            let namespace = choice(&there)?;
            let (file, metadata) = folder.take(&namespace);
            let input = Input::open(&file)?;
            let extent = Extent::of(&file, &input);
            let source = Source::Bson(Bson::new(input));
            return Ok(Self { source, metadata, others: all_but(&namespace, there), namespace, extent });
        }
        let input = Input::open(path)?;
        let extent = Extent::of(path, &input);
        let archive = Archive::open(input)?;
        let there = archive.prelude().names();
        let namespace = choice(&there)?;
        let mut described = archive.prelude().namespaces.iter();
        let metadata = described.find(|described| described.namespace == namespace);
        let metadata = metadata.map(|described| described.metadata.clone()).unwrap_or_default();
        let source = Source::Archive(Box::new(archive), namespace.clone());
        Ok(Self { source, metadata, others: all_but(&namespace, there), namespace, extent })
    }
}

fn all_but(chosen: &Namespace, mut there: Vec<(Namespace, Kind)>) -> Vec<(Namespace, Kind)> {
    there.retain(|(namespace, _)| namespace != chosen);
    there
}

/// By its name: documents have no magic number.
fn is_bson(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".bson") || name.ends_with(".bson.gz")
}

//! What mongodump makes: an archive, a folder, or one `.bson` file of a folder. What is not restored has a name.

use std::path::Path;

use thiserror::Error;

use super::folder::Folder;
use super::{Bson, Extent, Source};
use crate::archive::metadata::Metadata;
use crate::archive::reader::Archive;
use crate::input::Input;
use crate::input::content::Content;
use crate::input::error::{Problem, ReadError};
use crate::namespace::{ChoiceError, Kind, Namespace, Pattern, choose};

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
    pub fn open(path: &Path, wanted: Option<&Pattern>) -> Result<Self, OpenError> {
        if path.is_dir() {
            return Self::of_folder(path, Folder::read(path, wanted)?, wanted);
        }
        let mut input = Input::open(path)?;
        input.expect_content()?;
        match Content::of(input.peek(Content::LOOKED_AT)?) {
            Content::Archive => Self::of_archive(path, input, wanted),
            _ if is_bson(path) => {
                let folder = Folder::of_file(path)?;
                // Who names a file means it, be its folder called `local` or `config`.
                let named = folder.names().into_iter().next().map(|(namespace, _)| Pattern::from(namespace));
                Self::of_folder(path, folder, wanted.or(named.as_ref()))
            }
            Content::Documents => Ok(Self::of_documents(path, input)),
            // Which says what it begins with.
            Content::Other => Self::of_archive(path, input, wanted),
        }
    }

    fn of_folder(path: &Path, folder: Folder, wanted: Option<&Pattern>) -> Result<Self, OpenError> {
        let there = folder.names();
        let namespace = chosen(path, &there, wanted)?;
        let (file, metadata) = folder.take(&namespace)?;
        let mut input = Input::open(&file)?;
        input.expect_content()?;
        let extent = Extent::of(&file, &input);
        let source = Source::Bson(Bson::new(input));
        Ok(Self { source, metadata, others: all_but(&namespace, there), namespace, extent })
    }

    fn of_archive(path: &Path, input: Input, wanted: Option<&Pattern>) -> Result<Self, OpenError> {
        let extent = Extent::of(path, &input);
        let archive = Archive::open(input)?;
        let there = archive.prelude().names();
        let namespace = chosen(path, &there, wanted)?;
        let mut described = archive.prelude().namespaces.iter();
        let metadata = described.find(|described| described.namespace == namespace);
        let metadata = metadata.map(|described| described.metadata.clone()).unwrap_or_default();
        if let Some((begin, problem)) = metadata.damage() {
            return Err(archive.error_at(begin, Problem::Metadata(namespace, problem.to_owned())).into());
        }
        let source = Source::Archive(Box::new(archive), namespace.clone());
        Ok(Self { source, metadata, others: all_but(&namespace, there), namespace, extent })
    }

    /// Documents without a name, from a pipe or a file that is called otherwise.
    fn of_documents(path: &Path, input: Input) -> Self {
        let extent = Extent::of(path, &input);
        let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        let (source, namespace) = (Source::Bson(Bson::new(input)), Namespace::new("", name));
        Self { source, namespace, metadata: Metadata::default(), others: Vec::new(), extent }
    }
}

fn chosen(path: &Path, there: &[(Namespace, Kind)], wanted: Option<&Pattern>) -> Result<Namespace, OpenError> {
    choose(there, wanted).map_err(|source| OpenError::Choice { file: path.display().to_string(), source })
}

fn all_but(chosen: &Namespace, mut there: Vec<(Namespace, Kind)>) -> Vec<(Namespace, Kind)> {
    there.retain(|(namespace, _)| namespace != chosen);
    there
}

/// By its name: an empty file of documents has no bytes that tell.
fn is_bson(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [".bson", ".bson.gz", ".bin"].iter().any(|ending| name.ends_with(ending))
}

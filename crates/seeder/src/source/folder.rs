//! A folder of mongodump: `DATABASE/COLLECTION.bson` and `COLLECTION.metadata.json`, each perhaps with `.gz`. Names of
//! files are escaped, and cut short if they are very long: then the metadata has the collection's name in full.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::archive::metadata::Metadata;
use crate::input::Input;
use crate::input::error::{Place, Problem, ReadError};
use crate::namespace::{Kind, Namespace, Pattern};

/// The length of a name that mongodump cut short to what file systems take.
const CUT_SHORT: usize = 238;

/// The collections of a folder.
pub(crate) struct Folder(Vec<Entry>);

struct Entry {
    namespace: Namespace,
    kind: Kind,
    file: PathBuf,
    metadata: Metadata,
    metadata_file: Option<PathBuf>,
}

/// The two files of a collection.
#[derive(Default)]
struct Files {
    bson: Option<PathBuf>,
    metadata: Option<PathBuf>,
}

impl Folder {
    /// The collections of all databases, or of one.
    pub(crate) fn read(path: &Path, wanted: Option<&Pattern>) -> Result<Self, ReadError> {
        let mut entries = database(path)?;
        // The log of changes during the dump, which no metadata describes. It may as well be a collection that is called
        // so, in the folder of its database: only who asks for it gets it.
        entries.retain(|entry| {
            let is_log = entry.file.file_name().is_some_and(is_log) && entry.metadata_file.is_none();
            !is_log || wanted.is_some_and(|wanted| wanted.matches(&entry.namespace))
        });
        for folder in list(path)?.into_iter().filter(|path| path.is_dir()) {
            entries.extend(database(&folder)?);
        }
        if entries.is_empty() {
            return Err(error(path, Problem::NoDump));
        }
        Ok(Self(entries))
    }

    /// One file, with the metadata that stands beside it.
    pub(crate) fn of_file(path: &Path) -> Result<Self, ReadError> {
        let (stem, _) = split(path).unwrap_or_default();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = [".metadata.json", ".metadata.json.gz"].map(|ending| folder.join(format!("{stem}{ending}")));
        let metadata = beside.into_iter().find(|file| file.is_file());
        let files = Files { bson: Some(path.to_owned()), metadata };
        Ok(Self(vec![entry(folder, &stem, files)]))
    }

    pub(crate) fn names(&self) -> Vec<(Namespace, Kind)> {
        self.0.iter().map(|entry| (entry.namespace.clone(), entry.kind)).collect()
    }

    /// The file of a namespace that is there.
    ///
    /// # Errors
    /// [`Problem::Metadata`].
    pub(crate) fn take(self, namespace: &Namespace) -> Result<(PathBuf, Metadata), ReadError> {
        let found = self.0.into_iter().find(|entry| entry.namespace == *namespace);
        let Some(Entry { file, metadata, metadata_file, .. }) = found else { return Ok(Default::default()) };
        if let Some((_, problem)) = metadata.damage() {
            let problem = Problem::Metadata(namespace.clone(), problem.to_owned());
            return Err(error(&metadata_file.unwrap_or(file), problem));
        }
        Ok((file, metadata))
    }
}

/// The collections whose files stand right here.
fn database(folder: &Path) -> Result<Vec<Entry>, ReadError> {
    let mut collections = BTreeMap::<String, Files>::new();
    for path in list(folder)?.into_iter().filter(|path| path.is_file()) {
        match split(&path) {
            Some((stem, true)) => collections.entry(stem).or_default().bson = Some(path),
            Some((stem, false)) => collections.entry(stem).or_default().metadata = Some(path),
            None => {}
        }
    }
    Ok(collections.into_iter().map(|(stem, files)| entry(folder, &stem, files)).collect())
}

fn entry(folder: &Path, stem: &str, files: Files) -> Entry {
    let metadata = match &files.metadata {
        Some(file) => read_metadata(file).unwrap_or_else(|error| Metadata::unreadable(error.problem.to_string(), 0)),
        None => Metadata::default(),
    };
    let absolute = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let database = absolute.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let collection = match metadata.collection() {
        // Only then is it cut short (mongo-tools, `getInfoFromFile`); a file may have been renamed since.
        Some(name) if stem.contains("%24") && stem.len() == CUT_SHORT => name.to_owned(),
        // As in the query of a URL, where a plus is a space.
        _ => percent_decode_str(&stem.replace('+', " ")).decode_utf8_lossy().into_owned(),
    };
    let (namespace, kind) = (Namespace::new(database, collection), metadata.kind());
    // A view has none; of a collection it is missed when it is opened.
    let file = files.bson.unwrap_or_else(|| folder.join(format!("{stem}.bson")));
    Entry { namespace, kind, file, metadata, metadata_file: files.metadata }
}

fn read_metadata(path: &Path) -> Result<Metadata, ReadError> {
    let mut input = Input::open(path)?;
    let mut text = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        match input.read_some(&mut chunk)? {
            0 => break,
            count => text.extend_from_slice(&chunk[..count]),
        }
        // Parsing says what is wrong with it.
        if text.len() > Metadata::LONGEST {
            break;
        }
    }
    Ok(Metadata::read(&text, 0))
}

fn is_log(name: &OsStr) -> bool {
    name == "oplog.bson" || name == "oplog.bson.gz"
}

/// The name without its ending, and whether it is the documents.
fn split(path: &Path) -> Option<(String, bool)> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let bson = name.strip_suffix(".bson").or_else(|| name.strip_suffix(".bin")).map(|stem| (stem.to_owned(), true));
    bson.or_else(|| name.strip_suffix(".metadata.json").map(|stem| (stem.to_owned(), false)))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let entries = fs::read_dir(folder).map_err(|io| error(folder, Problem::Io(io)))?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|io| error(folder, Problem::Io(io)))?;
    paths.sort();
    Ok(paths)
}

fn error(path: &Path, problem: Problem) -> ReadError {
    ReadError { file: path.display().to_string(), place: Place::Byte(0), problem }
}

//! Where an archive goes: a file appears under its name only when it is whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use todo_store::StoreUrl;

/// Links behind links (path_resolution(7)).
const LINKS: usize = 40;

/// Where the archive goes.
#[derive(Debug, Clone)]
pub(crate) enum ArchiveFile {
    StandardOutput,
    /// Written under another name first.
    File(PathBuf),
}

pub(crate) enum Out {
    File(File),
    Standard(io::Stdout),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Standard(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Standard(out) => out.flush(),
        }
    }
}

impl Out {
    /// A pipe or a device keeps nothing, and says so by EINVAL or EROFS when it is asked to (fsync(2)).
    pub(crate) fn sync(self) -> io::Result<()> {
        match self {
            Self::File(file) if file.metadata()?.is_file() => file.sync_all(),
            Self::File(mut file) => file.flush(),
            Self::Standard(mut out) => out.flush(),
        }
    }
}

impl ArchiveFile {
    /// Behind a symbolic link, the file that it names.
    pub(crate) fn of(path: &Path) -> Self {
        if ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name)) {
            return Self::StandardOutput;
        }
        // Not through links of the kernel, whose targets have no name.
        if is_special(path) {
            return Self::File(path.to_owned());
        }
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let Ok(target) = fs::read_link(&path) else { break };
            path = path.parent().unwrap_or(Path::new("")).join(target);
        }
        Self::File(path)
    }

    /// Whether it is the very file of an embedded store.
    pub(crate) fn is_file_of(&self, store: &StoreUrl) -> bool {
        let (Self::File(path), StoreUrl::Embedded(file)) = (self, store) else { return false };
        let identity = |path: &Path| fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        identity(path).is_some_and(|archive| identity(file) == Some(archive))
    }

    pub(crate) fn shown(&self) -> String {
        match self {
            Self::StandardOutput => "standard output".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    pub(crate) fn create(&self) -> io::Result<Out> {
        match self {
            Self::StandardOutput => Ok(Out::Standard(io::stdout())),
            Self::File(path) if is_special(path) => File::create(path).map(Out::File),
            Self::File(path) => File::create(partial(path)).map(Out::File),
        }
    }

    pub(crate) fn keep(&self) -> io::Result<()> {
        match self {
            Self::File(path) if !is_special(path) => fs::rename(partial(path), path),
            _ => Ok(()),
        }
    }

    pub(crate) fn discard(&self) {
        if let Self::File(path) = self
            && !is_special(path)
        {
            let _ = fs::remove_file(partial(path));
        }
    }
}

/// A pipe or a device has no other name.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

//! A file that is filled beside another and then renamed over it: a crash at any moment leaves one of the two, whole. The
//! old file stays locked until then, so that no service can open it and be left with a file that is gone.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError};

use super::EmbeddedStore;
use crate::error::StoreError;
use crate::options::{OpenMode, StoreOptions};
use crate::printable;

/// A file that takes the place of another.
pub(crate) struct EmbeddedReplacement {
    target: PathBuf,
    beside: PathBuf,
    /// Holds the lock of the file that is there.
    old: EmbeddedStore,
    /// Whether that was made only to be locked.
    is_made_here: bool,
    new: EmbeddedStore,
}

impl EmbeddedReplacement {
    pub(crate) async fn begin(path: &Path, options: &StoreOptions) -> Result<(Self, EmbeddedStore), StoreError> {
        let is_made_here = !path.exists();
        let options = StoreOptions { mode: OpenMode::ReadWrite, ..options.clone() };
        // It only answers one question.
        let lean = StoreOptions { embedded_cache_bytes: 1 << 20, ..options.clone() };
        let old = EmbeddedStore::open(path, &lean).await?;
        // The file that a link names is replaced, not the link.
        let target = fs::canonicalize(path).map_err(|error| refused(path, &error))?;
        let beside = beside(&target);
        let clock = old.clock().await?;
        remove_leftover(&beside)?;
        let new = EmbeddedStore::open(&beside, &options).await?;
        let replacement = Self { target, beside, old, is_made_here, new: new.clone() };
        match new.advance_clock(clock).await {
            Ok(()) => Ok((replacement, new)),
            Err(error) => {
                replacement.discard();
                Err(error)
            }
        }
    }

    /// All that was written is on disk already.
    pub(crate) fn publish(&self) -> Result<(), StoreError> {
        let renamed = fs::metadata(&self.target)
            .and_then(|old| fs::set_permissions(&self.beside, old.permissions()))
            .and_then(|()| fs::rename(&self.beside, &self.target));
        renamed.map_err(|error| refused(&self.target, &error))?;
        // Otherwise a power failure may bring the old name back.
        let folder = self.target.parent().unwrap_or(Path::new("/"));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| StoreError::UnknownOutcome(std::sync::Arc::new(error)))
    }

    pub(crate) fn discard(self) {
        let Self { target, beside, old, is_made_here, new } = self;
        drop(new);
        if let Err(error) = fs::remove_file(&beside)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let line =
                format!("the unfinished file {} cannot be removed ({error}): remove it by hand", beside.display());
            tracing::warn!("{}", printable(&line));
        }
        if is_made_here {
            // While it is locked, so that nobody else's is taken away.
            let _ = fs::remove_file(target);
        }
        drop(old);
    }
}

fn beside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".loading");
    name.into()
}

/// Of a run that was killed. Whoever holds the lock of the old file is alone with this one.
fn remove_leftover(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    if let Err(DatabaseError::DatabaseAlreadyOpen) = Database::open(path) {
        return Err(StoreError::Refused(format!("{} is open in another process: wait for it", path.display())));
    }
    fs::remove_file(path).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Refused(format!("{}: {error}", path.display()))
}

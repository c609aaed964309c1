//! A folder that keeps every run: none overwrites another, and the last one is found without its time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::LoadgenError;
use crate::summary::Summary;

/// The page with charts.
pub(crate) const PAGE: &str = "report.html";
const JSON: &str = "report.json";
/// Runs that begin in one second are numbered.
const MAX_PER_SECOND: u32 = 1_000;

/// Makes the folder, so that a run is not in vain.
///
/// # Errors
/// It cannot be made.
pub(crate) fn check(out: &Path) -> Result<(), LoadgenError> {
    let runs = out.join("runs");
    fs::create_dir_all(&runs).map_err(|source| failed(&runs, source))
}

/// Writes both files into a new folder named by the start of the run, and copies of them into `out`.
///
/// # Errors
/// A file or folder cannot be written.
pub(crate) fn write(out: &Path, summary: &Summary, page: &[u8], json: &[u8]) -> Result<PathBuf, LoadgenError> {
    let run = new_folder(&out.join("runs"), &summary.started_at.replace(':', "-"))?;
    for folder in [&run, out] {
        for (name, bytes) in [(PAGE, page), (JSON, json)] {
            let file = folder.join(name);
            fs::write(&file, bytes).map_err(|source| failed(&file, source))?;
        }
    }
    Ok(run)
}

fn new_folder(runs: &Path, time: &str) -> Result<PathBuf, LoadgenError> {
    let mut folder = runs.join(time);
    for number in 2..MAX_PER_SECOND {
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                folder = runs.join(format!("{time}-{number}"))
            }
            made => return made.map_err(|source| failed(&folder, source)).map(|()| folder),
        }
    }
    Err(failed(&folder, io::ErrorKind::AlreadyExists.into()))
}

fn failed(path: &Path, source: io::Error) -> LoadgenError {
    LoadgenError::Report { flag: "--out", path: path.to_owned(), source }
}

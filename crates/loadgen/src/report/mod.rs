//! The summary for a terminal, as JSON and as a page.

mod chart;
pub mod page;
mod series;
mod tables;
pub mod terminal;
mod tiles;
mod units;

use std::io::{self, Write};
use std::path::Path;

use crate::error::LoadgenError;
use crate::options::Options;
use crate::summary::Summary;

pub(crate) use units::{number, percent, time};

const JSON: &str = "--json";
const REPORT: &str = "--report";

/// Whether the files that are asked for have a place, so that a run is not in vain.
///
/// # Errors
/// The flag and the file, and why not.
pub fn check(options: &Options) -> Result<(), LoadgenError> {
    let files = [(JSON, &options.json), (REPORT, &options.report)];
    files.into_iter().filter_map(|(flag, path)| path.as_deref().map(|path| (flag, path))).try_for_each(has_place)
}

/// Prints the summary, and writes the files that were asked for.
///
/// # Errors
/// A file cannot be written.
pub fn write(options: &Options, summary: &Summary) -> Result<(), LoadgenError> {
    // Whoever reads may have gone (`| head`); the files and the exit code still count.
    drop(io::stdout().write_all(terminal::text(summary).as_bytes()));
    if let Some(path) = &options.json {
        let json = serde_json::to_vec_pretty(summary).expect("numbers, strings and lists always serialize");
        save(JSON, path, &json)?;
    }
    if let Some(path) = &options.report {
        save(REPORT, path, page::html(summary).as_bytes())?;
    }
    for missed in &summary.missed {
        eprintln!("threshold missed: {missed}");
    }
    Ok(())
}

fn has_place((flag, path): (&'static str, &Path)) -> Result<(), LoadgenError> {
    let failed = |kind: io::ErrorKind| LoadgenError::Report { flag, path: path.to_owned(), source: kind.into() };
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory));
    }
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() || folder.is_dir() => Ok(()),
        _ => Err(failed(io::ErrorKind::NotFound)),
    }
}

fn save(flag: &'static str, path: &Path, bytes: &[u8]) -> Result<(), LoadgenError> {
    std::fs::write(path, bytes).map_err(|source| LoadgenError::Report { flag, path: path.to_owned(), source })
}

//! The summary for a terminal, as JSON and as a page.

mod axis;
mod chart;
mod folder;
mod html;
pub mod page;
mod series;
mod tables;
pub mod terminal;
mod tiles;
pub(crate) mod units;

use std::io::{self, Write};
use std::path::Path;

use crate::error::LoadgenError;
use crate::options::{Options, is_stdout};
use crate::summary::Summary;

const JSON: &str = "--json";
const REPORT: &str = "--report";

/// Whether the files that are asked for have a place, so that a run is not in vain.
///
/// # Errors
/// The flag and the file, and why not.
pub fn check(options: &Options) -> Result<(), LoadgenError> {
    let files = [(JSON, &options.json), (REPORT, &options.report)];
    files.into_iter().filter_map(|(flag, path)| path.as_deref().map(|path| (flag, path))).try_for_each(has_place)?;
    options.out.as_deref().map_or(Ok(()), folder::check)
}

/// Prints the summary, and writes the files that were asked for.
///
/// # Errors
/// A file cannot be written.
pub fn write(options: &Options, summary: &Summary) -> Result<(), LoadgenError> {
    let (json, html) = (|| json(summary), || page::html(summary).into_bytes());
    let files = [(JSON, &options.json), (REPORT, &options.report)];
    let is_taken = files.iter().any(|(_, path)| path.as_deref().is_some_and(is_stdout));
    // Whoever reads may have gone (`| head`); the files and the exit code still count.
    let text = terminal::text(summary);
    let written =
        if is_taken { io::stderr().write_all(text.as_bytes()) } else { io::stdout().write_all(text.as_bytes()) };
    drop(written);
    if let Some(path) = &options.json {
        save(JSON, path, &json())?;
    }
    if let Some(path) = &options.report {
        save(REPORT, path, &html())?;
    }
    if let Some(out) = &options.out {
        let run = folder::write(out, summary, &html(), &json())?;
        drop(writeln!(
            io::stderr(),
            "charts: {} (a copy: {})",
            run.join(folder::PAGE).display(),
            out.join(folder::PAGE).display()
        ));
    }
    for missed in &summary.missed {
        drop(writeln!(io::stderr(), "threshold missed: {missed}"));
    }
    Ok(())
}

/// The summary as JSON.
pub(crate) fn json_text(summary: &Summary) -> String {
    String::from_utf8(json(summary)).expect("JSON is UTF-8")
}

fn json(summary: &Summary) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(summary).expect("numbers, strings and lists always serialize");
    json.push(b'\n');
    json
}

fn has_place((flag, path): (&'static str, &Path)) -> Result<(), LoadgenError> {
    let failed = |kind: io::ErrorKind| LoadgenError::Report { flag, path: path.to_owned(), source: kind.into() };
    if is_stdout(path) {
        return Ok(());
    }
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory));
    }
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() || folder.is_dir() => Ok(()),
        _ => Err(failed(io::ErrorKind::NotFound)),
    }
}

fn save(flag: &'static str, path: &Path, bytes: &[u8]) -> Result<(), LoadgenError> {
    let written = if is_stdout(path) {
        io::stdout().write_all(bytes).and_then(|()| io::stdout().flush())
    } else {
        std::fs::write(path, bytes)
    };
    match written {
        Err(error) if is_stdout(path) && error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|source| LoadgenError::Report { flag, path: path.to_owned(), source }),
    }
}

//! `seeder import`: documents from text, with the types that extended JSON says.

use std::path::Path;
use std::time::Instant;

use crate::command::{Format, Import};
use crate::error::SeederError;
use crate::filling::fill;
use crate::filling::fill::Way;
use crate::input::Input;
use crate::input::error::ReadError;
use crate::report::Report;
use crate::source::csv::Csv;
use crate::source::json::Json;
use crate::source::{Extent, Source};

/// Imports the file.
///
/// # Errors
/// See [`SeederError`]; each says how to go on.
pub async fn run(options: &Import) -> Result<Report, SeederError> {
    let format = options.format.unwrap_or_else(|| Format::of(&options.file));
    let (source, extent) = open(&options.file, format).map_err(SeederError::Read)?;
    let way =
        Way { file: &options.file, target: &options.target, filling: &options.filling, resume: options.resume_line() };
    let store = way.open().await?;
    let began = Instant::now();
    let tally = fill(&store, source, &extent, &way).await?;
    Ok(Report::of_tally(&tally, &options.file.display().to_string(), began.elapsed()))
}

/// Opens a file of this format.
///
/// # Errors
/// [`ReadError`].
pub fn open(file: &Path, format: Format) -> Result<(Source, Extent), ReadError> {
    let input = Input::open(file)?;
    let extent = Extent::of(file, &input);
    let source = match format {
        Format::Json => Source::Json(Json::new(input)),
        Format::Csv => Source::Csv(Box::new(Csv::new(input)?)),
    };
    Ok((source, extent))
}

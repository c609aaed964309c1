//! `seeder import`: documents from text, with the types that extended JSON says.

use std::path::Path;
use std::time::Instant;

use crate::bulk_load::ImportJob;
use crate::command::{Format, Import};
use crate::error::SeederError;
use crate::report::Report;
use crate::source::csv::Csv;
use crate::source::error::ReadError;
use crate::source::input::Input;
use crate::source::json::Json;
use crate::source::{Extent, Source};

/// Imports the file.
///
/// # Errors
/// See [`SeederError`]; each says how to go on.
pub async fn run(options: &Import) -> Result<Report, SeederError> {
    let format = options.format.unwrap_or_else(|| Format::of(&options.file));
    let (source, extent) = open(&options.file, format).map_err(SeederError::Read)?;
    let job = ImportJob {
        file: &options.file,
        target: &options.target,
        loading: &options.loading,
        resume: options.resume_line(),
    };
    let began = Instant::now();
    let tally = job.run(source, &extent).await?.finish().await?;
    Ok(Report::of_tally(&tally, options.loading.skip_invalid, &options.file.display().to_string(), began.elapsed()))
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

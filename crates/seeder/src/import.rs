//! `seeder import`: documents from text, with the types that extended JSON says.

use std::path::Path;
use std::time::Instant;

use crate::bulk_load::ImportJob;
use crate::command::{Format, Import, TextOptions};
use crate::error::SeederError;
use crate::extended_json::Dialect;
use crate::input::Input;
use crate::input::error::ReadError;
use crate::report::Report;
use crate::source::json::Json;
use crate::source::table::{Separator, Table};
use crate::source::{Extent, Source};

/// Imports the file.
///
/// # Errors
/// See [`SeederError`]; each says how to go on.
pub async fn run(options: &Import) -> Result<Report, SeederError> {
    let opened = open(&options.file, &options.text).map_err(SeederError::Read);
    let (source, extent) = opened.map_err(|error| error.before_the_store(&options.loading, &options.target))?;
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

/// Opens a file; its format is the one that is given, or that its name says.
///
/// # Errors
/// [`ReadError`].
pub fn open(file: &Path, text: &TextOptions) -> Result<(Source, Extent), ReadError> {
    let mut input = Input::open(file)?;
    input.expect_content()?;
    let extent = Extent::of(file, &input);
    let dialect = if text.legacy { Dialect::Shell } else { Dialect::Json };
    let table = |input, separator| Table::new(input, separator, text.fields.as_deref());
    let source = match text.format.unwrap_or_else(|| Format::of(file)) {
        Format::Json => Source::Json(Json::new(input, dialect)?),
        Format::Csv => Source::Table(Box::new(table(input, Separator::Comma)?)),
        Format::Tsv => Source::Table(Box::new(table(input, Separator::Tab)?)),
    };
    Ok((source, extent))
}

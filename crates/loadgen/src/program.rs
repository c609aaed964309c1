//! What the program does between its command line and its exit code.

use tokio::runtime::Runtime;

use crate::attack;
use crate::error::LoadgenError;
use crate::options::Options;
use crate::progress::Progress;
use crate::report;
use crate::summary::Summary;

/// Runs the load, shows how it goes on, and reports.
///
/// # Errors
/// As [`attack::run`]; or a report cannot be written, which is found before the run where possible.
pub fn run(options: &Options) -> Result<Summary, LoadgenError> {
    report::check(options)?;
    let runtime = Runtime::new().map_err(LoadgenError::Runtime)?;
    let progress = Progress::new();
    let summary = runtime.block_on(attack::run_watched(options, |second| progress.say(second)));
    progress.end();
    // A look-up of the host's name that hangs must not hold up the end.
    runtime.shutdown_background();
    let summary = summary?;
    report::write(options, &summary)?;
    Ok(summary)
}

//! What the program does between its command line and its exit code.

use tokio::runtime::Runtime;

use crate::attack::{self, Event};
use crate::error::LoadgenError;
use crate::options::Options;
use crate::progress::Progress;
use crate::report;
use crate::signals::Signals;
use crate::summary::Summary;

/// Runs the load, shows how it goes on, and reports.
///
/// # Errors
/// As [`attack::run`]; or a report cannot be written, which is found before the run where possible.
pub fn run(options: &Options) -> Result<Summary, LoadgenError> {
    options.check()?;
    report::check(options)?;
    let runtime = Runtime::new().map_err(LoadgenError::Runtime)?;
    let progress = Progress::new();
    let ran = runtime.block_on(async {
        let mut signals = Signals::listen().map_err(LoadgenError::Runtime)?;
        let watch = |event: Event<'_>| match event {
            Event::Note(note) => progress.note(note),
            Event::Second(second) => progress.say(second),
        };
        attack::run_watched(options, &mut signals, watch).await
    });
    progress.end();
    // A look-up of the host's name that hangs must not hold up the end.
    runtime.shutdown_background();
    let summary = ran?;
    report::write(options, &summary)?;
    Ok(summary)
}

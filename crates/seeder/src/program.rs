//! Each command to its module.

use crate::command::Command;
use crate::error::SeederError;
use crate::report::Report;
use crate::{dump, generate, import, restore, verify};

/// Runs a command.
///
/// # Errors
/// See [`SeederError`]; each message is one line.
pub async fn run(command: &Command) -> Result<Report, SeederError> {
    match command {
        Command::Generate(options) => generate::run(options).await.map(|done| Report::of_line(done.to_string())),
        Command::Restore(options) => restore::run(options).await,
        Command::Import(options) => import::run(options).await,
        Command::Dump(options) => dump::run(options).await,
        Command::Verify(options) => verify::run(options).await,
    }
}

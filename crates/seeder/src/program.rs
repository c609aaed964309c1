//! Each command to its module.

use todo_store::StoreUrl;
use tokio::runtime::Builder;

use crate::command::Command;
use crate::error::SeederError;
use crate::report::Report;
use crate::{dump, generate, import, restore, verify};

/// Runs a command on a runtime of its own, as a process that ends with it.
///
/// # Errors
/// See [`run`]; [`SeederError::NoRuntime`].
pub fn run_to_end(command: &Command) -> Result<Report, SeederError> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(SeederError::NoRuntime)?;
    let result = runtime.block_on(run(command));
    match command.target().store {
        // Tasks of the driver wait for one another, and panic if the other was dropped first, as a runtime that is shut down
        // does in any order. The end of the process ends them all at once.
        StoreUrl::Mongo(_) => std::mem::forget(runtime),
        // Waits for those who still read, so that the file is closed and needs no repair.
        StoreUrl::Embedded(_) => drop(runtime),
    }
    result
}

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

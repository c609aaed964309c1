//! Why there is no report.

use std::path::PathBuf;

use thiserror::Error;

/// Each message is one line. Requests that failed are no errors but figures.
#[derive(Debug, Error)]
pub enum LoadgenError {
    /// Nobody answers at the host.
    #[error("{host} does not answer: {reason}")]
    NoServer {
        /// As it was given.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// The run could not be made.
    #[error("the run failed: {0}")]
    Goose(String),
    /// A report cannot be written.
    #[error("{path}: {source}")]
    Report {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

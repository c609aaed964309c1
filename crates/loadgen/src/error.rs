//! Why there is no report.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// Each message is one line. Requests that failed are no errors but figures.
#[derive(Debug, Error)]
pub enum LoadgenError {
    /// The options contradict each other.
    #[error("{0}")]
    Usage(String),
    /// The page of `--live` has no place.
    #[error("--live {address}: {source}")]
    Live {
        /// Where it was to be.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nobody answers at the host.
    #[error("{host} does not answer: {reason}")]
    NoServer {
        /// As it was given, without a password.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// The service has none of the todos that are asked for.
    #[error("{0}")]
    NoTodos(String),
    /// The file of trusted certificates cannot be used.
    #[error("--ca-file: {path} {reason}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The system does not give this process as many connections as users need.
    #[error("{0}")]
    Descriptors(String),
    /// Ctrl-C, SIGTERM or SIGHUP came before the first request.
    #[error("ended by a signal before the run began")]
    Interrupted,
    /// No HTTP client can be made.
    #[error("no HTTP client: {0}")]
    Client(String),
    /// No threads can be started.
    #[error("the run cannot start: {0}")]
    Runtime(std::io::Error),
    /// The run could not be made.
    #[error("the run failed: {0}")]
    Goose(String),
    /// A report cannot be written.
    #[error("{flag}: {path} cannot be written: {source}")]
    Report {
        /// The flag that named the file.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl LoadgenError {
    /// 2 for wrong usage, otherwise 1.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Usage(_)) { 2 } else { 1 }
    }
}

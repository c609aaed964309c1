//! Why a run could not be made. What a run finds is no error: see [`crate::checker::Violation`].

use std::path::PathBuf;

use thiserror::Error;

use crate::workload::Work;

/// Each message is one line and says what to do.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A server program is missing.
    #[error("{0}")]
    Missing(String),
    /// Flags that do not go together.
    #[error("{0}")]
    Usage(String),
    /// The service's program is not there.
    #[error("{} is not there: build it ({build}), or say where it is by --api", program.display())]
    NoService {
        /// The file that is missing.
        program: PathBuf,
        /// The command that makes it.
        build: &'static str,
    },
    /// A node does not answer.
    #[error("{node} does not answer: {log}")]
    NoAnswer {
        /// Which.
        node: String,
        /// The end of its log.
        log: String,
    },
    /// The clients hardly got on.
    #[error("clients did not get through their work in 5 minutes: {done:?} of {wanted:?}")]
    TooLittle {
        /// What they should have done.
        wanted: Work,
        /// What they have done.
        done: Work,
    },
    /// A server that the run needs refused something.
    #[error("{0}")]
    Server(String),
    /// Something of the run's own ended early.
    #[error("a task of the run ended: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// The system refused something.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// MongoDB refused something.
    #[error("MongoDB: {0}")]
    Mongo(#[from] mongodb::error::Error),
    /// PostgreSQL refused something.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    /// Redis refused something.
    #[error("Redis: {0}")]
    Redis(#[from] deadpool_redis::redis::RedisError),
    /// No HTTP client can be made.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

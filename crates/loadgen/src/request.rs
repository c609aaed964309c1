//! One request and what came of it: what passes from users to the recorder.

use std::time::{Duration, Instant};

use crate::outcome::Outcome;

/// What is asked of the service.
pub(crate) enum Ask {
    /// A todo that is there.
    Existing(u64),
    /// A todo that is not.
    Missing(u32),
    /// A new todo under this id.
    Create(String),
}

/// The kinds of request that reports tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Get,
    Post,
}

/// One request and what came of it.
pub(crate) struct Sample {
    pub(crate) kind: Kind,
    pub(crate) ended: Instant,
    pub(crate) took: Duration,
    /// None if there was no answer.
    pub(crate) status: Option<u16>,
    /// None for a POST, and if there was no answer.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) failure: Option<Failure>,
    /// Whether it was sent again, because its connection was closed without an answer.
    pub(crate) retried: bool,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Failures are counted by this message, so it holds nothing that differs from todo to todo.
    pub(crate) message: String,
    /// The seconds that the service asked to wait (`Retry-After`).
    pub(crate) retry_after: Option<u64>,
}

impl Ask {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Existing(_) | Self::Missing(_) => Kind::Get,
            Self::Create(_) => Kind::Post,
        }
    }
}

impl Kind {
    /// Method and path template.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET /todos/{id}",
            Self::Post => "POST /todos/",
        }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, retry_after: None }
    }
}

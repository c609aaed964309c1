//! What a fill ends with, and what each request that waited for it may make of it.

use crate::error::ReadError;
use crate::failpoints::{self, Guard};
use crate::freshness::Kept;
use crate::outcome::{Answer, Detail, Entry, Outcome, ReadOptions};
use crate::single_flight::Phase;
use crate::source::{Loaded, Source};

/// What a fill ends with.
pub(crate) struct FillResult<E> {
    pub(crate) answer: Result<Answer, ReadError<E>>,
    pub(crate) shared_by: SharedBy,
}

/// For whom of those who wait a result is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SharedBy {
    /// All who joined before the put: nobody put anything newer between the load and the put.
    WhoeverJoinedBeforeThePut,
    /// Those who joined before the load began.
    WhoeverJoinedBeforeTheLoad,
    /// Nobody: the cache answered, and may have done so before they came.
    Nobody,
}

impl<E> Clone for FillResult<E> {
    fn clone(&self) -> Self {
        Self { answer: self.answer.clone(), shared_by: self.shared_by }
    }
}

impl<E> FillResult<E> {
    /// The answer for a request that waited since the fill was so far; `None` if that request has to look again.
    pub(crate) fn shared(self, joined: Phase) -> Option<Result<Answer, ReadError<E>>> {
        let is_right = match self.shared_by {
            SharedBy::WhoeverJoinedBeforeThePut => joined != Phase::Sealed,
            SharedBy::WhoeverJoinedBeforeTheLoad => joined == Phase::BeforeLoad,
            SharedBy::Nobody => false,
        };
        (is_right || failpoints::is_off(Guard::ShareOnlyIfStored)).then(|| self.answer.map(collapsed))
    }
}

/// The answer that says what the store said.
pub(crate) fn from_store(loaded: Loaded, outcome: Outcome, detail: Option<Detail>) -> Answer {
    let entry = match loaded {
        Loaded::Value { version, body } => Some(Entry { version, body }),
        Loaded::Absent => None,
    };
    Answer { entry, outcome, detail, ttl_ms: 0 }
}

fn collapsed(answer: Answer) -> Answer {
    let detail = if answer.outcome == Outcome::Miss { Some(Detail::Collapsed) } else { answer.detail };
    Answer { detail, ..answer }
}

/// Answers a failed load with a kept value, if there is one that serves then and none newer was asked for (RFC 5861 §4,
/// `stale-if-error`).
pub(crate) fn or_stale<S: Source>(
    answer: Result<Answer, ReadError<S::Error>>,
    kept: Option<Kept>,
) -> Result<Answer, ReadError<S::Error>> {
    match (answer, kept) {
        (Err(error), Some(kept)) if kept.serves_for::<S>(&error) => Ok(kept.into_answer()),
        (answer, _) => answer,
    }
}

/// Refuses an answer below the version that was asked for.
pub(crate) fn new_enough<E>(answer: Result<Answer, ReadError<E>>, how: &ReadOptions) -> Result<Answer, ReadError<E>> {
    match answer {
        Ok(Answer { entry: Some(entry), .. }) if entry.version < how.min_version => Err(ReadError::TooOld),
        answer => answer,
    }
}

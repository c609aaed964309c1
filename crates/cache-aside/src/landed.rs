//! What a flight ends with, and what may be made of it.

use crate::error::ReadError;
use crate::outcome::{Answer, Detail, Entry, Outcome};
use crate::read::ReadOptions;
use crate::source::Loaded;
use crate::teeth::{self, Guard};

/// What a flight ends with.
#[derive(Debug, Clone)]
pub(crate) struct Landed<E: std::fmt::Debug> {
    pub(crate) answer: Result<Answer, ReadError<E>>,
    /// Whether it is right for everybody who boarded: no writer came between the read of the store and the put.
    pub(crate) shareable: bool,
}

impl<E: std::fmt::Debug> Landed<E> {
    /// For somebody who waited; `None`: look again.
    pub(crate) fn shared(self) -> Option<Result<Answer, ReadError<E>>> {
        (self.shareable || teeth::is_off(Guard::RuleB)).then(|| self.answer.map(collapsed))
    }
}

pub(crate) fn from_store(loaded: Loaded, outcome: Outcome, detail: Option<Detail>) -> Answer {
    let entry = match loaded {
        Loaded::Value { version, body } => Some(Entry { version, body }),
        Loaded::Absent => None,
    };
    Answer { entry, outcome, detail, ttl_ms: 0 }
}

pub(crate) fn collapsed(answer: Answer) -> Answer {
    let detail = if answer.outcome == Outcome::Miss { Some(Detail::Collapsed) } else { answer.detail };
    Answer { detail, ..answer }
}

/// A store that fails is answered over by a value past its time, if there is one and none newer was asked for.
pub(crate) fn or_stale<E: std::fmt::Debug>(
    answer: Result<Answer, ReadError<E>>,
    fallback: Option<Answer>,
) -> Result<Answer, ReadError<E>> {
    match (answer, fallback) {
        (Err(ReadError::Source(_) | ReadError::Overloaded | ReadError::Abandoned), Some(old)) => {
            Ok(Answer { outcome: Outcome::Stale, detail: Some(Detail::StaleIfError), ..old })
        }
        (answer, _) => answer,
    }
}

pub(crate) fn new_enough<E: std::fmt::Debug>(
    answer: Result<Answer, ReadError<E>>,
    how: &ReadOptions,
) -> Result<Answer, ReadError<E>> {
    match answer {
        Ok(Answer { entry: Some(entry), .. }) if entry.version < how.min_version => Err(ReadError::TooOld),
        answer => answer,
    }
}

//! `Batch`: reads that are asked for together, each with its own answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::CacheError;
use crate::timeline::Found;

/// More than these are asked for in two round trips: over a slow network all of one come in time, or none.
pub(super) const MOST: usize = 64;

/// What became of one read.
pub(super) type Answer = Result<Option<Found>, CacheError>;

/// Reads that are asked for together.
#[derive(Default)]
pub(super) struct Batch(Mutex<State>);

#[derive(Default)]
struct State {
    ids: Vec<Box<str>>,
    wakers: Vec<Option<Waker>>,
    /// By the places of the ids, once they are there.
    answers: Option<Vec<Answer>>,
}

/// One read's place in a batch, and its answer.
pub(super) struct Place {
    batch: Arc<Batch>,
    at: usize,
}

impl Batch {
    pub(super) fn join(self: &Arc<Self>, id: &str) -> Place {
        let mut state = self.state();
        state.ids.push(id.into());
        state.wakers.push(None);
        Place { batch: Arc::clone(self), at: state.ids.len() - 1 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.state().ids.len() >= MOST
    }

    pub(super) fn is_answered(&self) -> bool {
        self.state().answers.is_some()
    }

    /// What is to be asked for. Nobody joins after that.
    pub(super) fn take_ids(&self) -> Vec<Box<str>> {
        std::mem::take(&mut self.state().ids)
    }

    pub(super) fn complete(&self, answers: Vec<Answer>) {
        let mut state = self.state();
        state.answers = Some(answers);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(super) fn batch(&self) -> &Arc<Batch> {
        &self.batch
    }
}

impl Future for Place {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut state = self.batch.state();
        if let Some(answers) = &mut state.answers {
            return Poll::Ready(
                answers
                    .get_mut(self.at)
                    .map_or(Err(CacheError::Abandoned), |answer| std::mem::replace(answer, Ok(None))),
            );
        }
        state.wakers[self.at] = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A batch whose readers wait. If the task that asks for them ends before it has an answer, they have an error.
pub(super) struct Unanswered(pub(super) Arc<Batch>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        let state = self.0.state();
        if state.answers.is_none() {
            let readers = state.wakers.len();
            drop(state);
            self.0.complete(vec![Err(CacheError::Abandoned); readers]);
        }
    }
}

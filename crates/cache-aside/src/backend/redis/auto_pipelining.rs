//! `AutoPipelining`: cells that are read in the same turn of an event loop are asked for together. What a round trip costs besides its bytes (a
//! message to the task that drives the connection, a deadline, a way back) is paid once for all of them. Nobody waits for company, and
//! while few are under way each asks at once, alone.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::RedisCache;
use crate::error::CacheError;
use crate::timeline::Found;

/// More than these are asked for in two round trips: over a slow network all of one come in time, or none.
const MOST: usize = 64;

/// With so many round trips under way, what comes is asked for together.
const MANY: usize = 16;
/// A batch of fewer than these is not worth its task: then each asks alone again.
const FEW: usize = 8;

/// What became of one read.
type Answer = Result<Option<Found>, CacheError>;

/// The reads of one connection.
#[derive(Default)]
pub(super) struct AutoPipelining(Mutex<Reads>);

#[derive(Default)]
struct Reads {
    /// Round trips without an answer.
    under_way: usize,
    /// Whether what comes is asked for together.
    together: bool,
    /// Those that are asked for next.
    next: Option<Arc<Batch>>,
}

/// How a read goes about it.
enum Entry<'a> {
    /// It asks at once.
    Alone(UnderWay<'a>),
    /// It is the first of a batch, which is still to be asked for.
    First(Place),
    /// It is in a batch that somebody asks for.
    Joined(Place),
}

/// A round trip, until it is answered or given up.
struct UnderWay<'a>(&'a AutoPipelining);

#[derive(Default)]
struct Batch(Mutex<State>);

#[derive(Default)]
struct State {
    ids: Vec<Box<str>>,
    wakers: Vec<Option<Waker>>,
    /// By the places of the ids, once they are there.
    answers: Option<Vec<Answer>>,
}

/// One read's place in a batch, and its answer.
struct Place {
    batch: Arc<Batch>,
    at: usize,
}

impl RedisCache {
    pub(crate) async fn get(&self, id: &str) -> Answer {
        // A Redis that may be away is asked by one at a time.
        if !self.shared.breaker.is_closed() {
            return Box::pin(self.get_one(id)).await;
        }
        match self.pipelining.enter(id) {
            Entry::Alone(_under_way) => self.get_one(id).await,
            Entry::First(place) => {
                // In a task of its own, which runs when those that are ready now have joined. A reader may go away; the others stay.
                tokio::spawn(self.clone().ask(Unanswered(Arc::clone(&place.batch))));
                place.await
            }
            Entry::Joined(place) => place.await,
        }
    }

    async fn ask(self, unanswered: Unanswered) {
        let (ids, _under_way) = self.pipelining.close(&unanswered.0);
        let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
        let answers = match &ids[..] {
            [id] => vec![self.get_one(id).await],
            ids => match self.get_each(ids).await {
                Ok(answers) => answers,
                Err(error) => {
                    self.failed_for(ids.len() - 1, &error);
                    vec![Err(error); ids.len()]
                }
            },
        };
        unanswered.0.complete(answers);
    }
}

impl RedisCache {
    /// The breaker hears of every read that failed.
    fn failed_for(&self, others: usize, error: &CacheError) {
        if error.is_outage() && !matches!(error, CacheError::BreakerOpen) {
            (0..others).for_each(|_| self.shared.breaker.failed(error));
        }
    }
}

impl AutoPipelining {
    fn enter(&self, id: &str) -> Entry<'_> {
        let mut reads = lock(&self.0);
        reads.together |= reads.under_way >= MANY;
        if !reads.together && reads.next.is_none() {
            reads.under_way += 1;
            return Entry::Alone(UnderWay(self));
        }
        // One whose task has ended with the runtime that it was on takes nobody in.
        if reads.next.as_ref().is_some_and(|batch| batch.state().answers.is_some()) {
            reads.next = None;
        }
        let (batch, is_first) = match &reads.next {
            Some(batch) => (Arc::clone(batch), false),
            None => (Arc::clone(reads.next.insert(Arc::default())), true),
        };
        let mut state = batch.state();
        let at = state.ids.len();
        state.ids.push(id.into());
        state.wakers.push(None);
        drop(state);
        if at + 1 == MOST {
            reads.next = None;
        }
        let place = Place { batch, at };
        if is_first { Entry::First(place) } else { Entry::Joined(place) }
    }

    /// Whoever comes from now on is in another batch.
    fn close(&self, batch: &Arc<Batch>) -> (Vec<Box<str>>, UnderWay<'_>) {
        let mut reads = lock(&self.0);
        if reads.next.as_ref().is_some_and(|next| Arc::ptr_eq(next, batch)) {
            reads.next = None;
        }
        let ids = std::mem::take(&mut batch.state().ids);
        reads.under_way += 1;
        reads.together = ids.len() >= FEW;
        (ids, UnderWay(self))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        lock(&self.0.0).under_way -= 1;
    }
}

impl Batch {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    fn complete(&self, answers: Vec<Answer>) {
        let mut state = self.state();
        state.answers = Some(answers);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
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
struct Unanswered(Arc<Batch>);

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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_whose_task_has_ended_without_an_answer_takes_nobody_in() {
        let reads = AutoPipelining::default();
        let _alone: Vec<_> = (0..MANY).map(|_| reads.enter("1")).collect();
        let Entry::First(place) = reads.enter("1") else { panic!("it is the first of a batch") };
        assert!(matches!(reads.enter("2"), Entry::Joined(_)));
        drop(Unanswered(Arc::clone(&place.batch)));
        assert!(matches!(reads.enter("3"), Entry::First(_)));
    }
}

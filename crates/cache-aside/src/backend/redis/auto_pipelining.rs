//! `AutoPipelining`: cells that are read in the same few turns of an event loop are asked for together. What a round trip costs besides its
//! bytes (a message to the task that drives the connection, a write and a read at both ends, a deadline) is paid once for all of them. No
//! batch waits for a time: each turn does what is ready and goes on. While few are under way each asks at once, alone.
//!
//! Where a worker's reads go to several servers, each server's batch grows as much more slowly as there are more of them. So it then takes
//! in who comes for as many more turns, and fewer make one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::RedisCache;
use super::batch::{Answer, Batch, Place, Unanswered};
use crate::error::CacheError;

/// With so many round trips under way, what comes is asked for together; of one server among several with its share of them.
const MANY: usize = 16;
/// A batch of fewer than these is not worth its task: then each asks alone again. Of one server among several its share of them.
const FEW: usize = 8;
/// For so many turns of the event loop a batch takes in who comes; for one server among several, so many times as many.
const TURNS: usize = 2;
/// However many servers there are: a turn in which much is ready takes some tenths of a millisecond.
const MOST_TURNS: usize = 8;
/// However many servers there are: a batch costs about what two reads cost that ask alone.
const LEAST_MANY: usize = 4;
const LEAST_FEW: usize = 2;

/// The reads of one connection.
#[derive(Default)]
pub(super) struct AutoPipelining(Mutex<Reads>);

#[derive(Default)]
struct Reads {
    /// Round trips without an answer.
    under_way: usize,
    /// Whether what comes is asked for together.
    together: bool,
    /// How many other servers this worker's reads go to as well.
    other_servers: usize,
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
                tokio::spawn(self.clone().ask(Unanswered(Arc::clone(place.batch()))));
                place.await
            }
            Entry::Joined(place) => place.await,
        }
    }

    async fn ask(self, unanswered: Unanswered) {
        self.pipelining.gather(&unanswered.0).await;
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
        let mut reads = self.reads();
        reads.together |= reads.under_way >= reads.many();
        if !reads.together && reads.next.is_none() {
            reads.under_way += 1;
            return Entry::Alone(UnderWay(self));
        }
        // One whose task has ended with the runtime that it was on takes nobody in.
        if reads.next.as_ref().is_some_and(|batch| batch.is_answered()) {
            reads.next = None;
        }
        let (batch, is_first) = match &reads.next {
            Some(batch) => (Arc::clone(batch), false),
            None => (Arc::clone(reads.next.insert(Arc::default())), true),
        };
        let place = batch.join(id);
        if batch.is_full() {
            reads.next = None;
        }
        if is_first { Entry::First(place) } else { Entry::Joined(place) }
    }

    /// Returns when whoever comes in some turns of the event loop has come, or as soon as the batch is full.
    async fn gather(&self, batch: &Batch) {
        for _ in 0..self.turns() {
            if batch.is_full() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whoever comes from now on is in another batch.
    fn close(&self, batch: &Arc<Batch>) -> (Vec<Box<str>>, UnderWay<'_>) {
        let mut reads = self.reads();
        if reads.next.as_ref().is_some_and(|next| Arc::ptr_eq(next, batch)) {
            reads.next = None;
        }
        let ids = batch.take_ids();
        reads.under_way += 1;
        reads.together = ids.len() >= reads.few();
        (ids, UnderWay(self))
    }

    /// So many servers share the reads of this worker.
    pub(super) fn share(&self, servers: usize) {
        self.reads().other_servers = servers.saturating_sub(1);
    }

    fn reads(&self) -> MutexGuard<'_, Reads> {
        // Whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For so many turns a batch takes in who comes.
    pub(super) fn turns(&self) -> usize {
        (TURNS * self.reads().servers()).min(MOST_TURNS)
    }
}

impl Reads {
    fn servers(&self) -> usize {
        self.other_servers + 1
    }

    fn many(&self) -> usize {
        (MANY / self.servers()).max(LEAST_MANY)
    }

    fn few(&self) -> usize {
        (FEW / self.servers()).max(LEAST_FEW)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.reads().under_way -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::MOST;
    use super::*;

    /// So many have asked alone, and have no answer yet.
    fn ask_alone(reads: &AutoPipelining, many: usize) -> Vec<Entry<'_>> {
        let alone: Vec<_> = (0..many).map(|_| reads.enter("1")).collect();
        assert!(alone.iter().all(|entry| matches!(entry, Entry::Alone(_))));
        alone
    }

    #[test]
    fn a_batch_whose_task_has_ended_without_an_answer_takes_nobody_in() {
        let reads = AutoPipelining::default();
        let _alone = ask_alone(&reads, MANY);
        let Entry::First(place) = reads.enter("1") else { panic!("it is the first of a batch") };
        assert!(matches!(reads.enter("2"), Entry::Joined(_)));
        drop(Unanswered(Arc::clone(place.batch())));
        assert!(matches!(reads.enter("3"), Entry::First(_)));
    }

    #[tokio::test]
    async fn a_batch_takes_in_who_comes_in_the_next_turns_and_of_one_server_among_several_for_more_turns() {
        for (servers, many, few, turns) in [(1, 16, 8, 2), (2, 8, 4, 4), (3, 5, 2, 6), (100, 4, 2, 8)] {
            let reads = AutoPipelining::default();
            reads.share(servers);
            let alone = ask_alone(&reads, many);
            let Entry::First(place) = reads.enter("1") else { panic!("it is the first of a batch: {servers}") };
            let mut joined = 0;
            let others = async {
                for _ in 0..turns {
                    assert!(matches!(reads.enter("2"), Entry::Joined(_)), "{servers}");
                    joined += 1;
                    tokio::task::yield_now().await;
                }
            };
            let gathered = async {
                reads.gather(place.batch()).await;
                reads.close(place.batch())
            };
            let ((ids, under_way), ()) = tokio::join!(gathered, others);
            assert_eq!((ids.len(), joined), (1 + turns, turns), "{servers}");
            drop((alone, under_way));
            assert_eq!(matches!(reads.enter("3"), Entry::First(_)), ids.len() >= few, "{servers}");
        }
    }

    #[tokio::test]
    async fn a_full_batch_waits_for_no_turn() {
        let reads = AutoPipelining::default();
        let _alone = ask_alone(&reads, MANY);
        let Entry::First(place) = reads.enter("1") else { panic!("it is the first of a batch") };
        let _others: Vec<_> = (1..MOST).map(|_| reads.enter("2")).collect();
        assert!(futures::poll!(Box::pin(reads.gather(place.batch()))).is_ready());
        assert!(matches!(reads.enter("3"), Entry::First(_)));
    }
}

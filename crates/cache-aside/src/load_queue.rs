//! `LoadQueue`: which loads are one query of the store. A load that finds the store idle goes at once and alone. While queries
//! are under way, loads wait for one of them to end, and then all that wait go together (natural batching): nobody waits for
//! company, and the more there is to do, the less each load costs.
//!
//! Here is only who goes when, and with whom. Lease, phase and start of a load are settled before it comes here, and its put
//! after it, for each id by itself, so that a query may hold loads of all workers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::batch_size::BatchSize;

/// How long a load waits at most for a query to end: far above what one takes where it is worth waiting.
const PATIENCE: Duration = Duration::from_millis(5);

/// Every load that waits, over all workers. `R` is what a load brings.
pub(crate) struct LoadQueue<R> {
    state: Mutex<State<R>>,
    /// One for each id that is asked for.
    turns: Arc<Semaphore>,
    /// All of them.
    concurrency: usize,
    /// How long a load waits for a query to end.
    patience: Duration,
}

struct State<R> {
    /// Queries under way.
    running: usize,
    waiting: VecDeque<Waiting<R>>,
    size: BatchSize,
    /// Counts who waits.
    number: u64,
}

struct Waiting<R> {
    number: u64,
    id: Arc<str>,
    call: oneshot::Sender<Call<R>>,
}

/// What a load does that came to the queue.
enum Place<R> {
    /// It asks the store now.
    Leads(Query<R>),
    /// It waits for this call.
    Waits { number: u64, call: oneshot::Receiver<Call<R>> },
}

/// What becomes of a load in the queue.
pub(crate) enum Call<R> {
    /// It asks the store, for itself and for those that waited beside it.
    Leads(Query<R>),
    /// Another load asked for it.
    Brought(R),
}

/// The duty to ask the store for the caller's id and for those of [`Query::others`]; dropped without an answer, the next of them
/// has it.
pub(crate) struct Query<R> {
    queue: Arc<LoadQueue<R>>,
    others: Vec<Waiting<R>>,
}

impl<R> LoadQueue<R> {
    /// For at most so many ids in one query, and never for more than half of the turns: so one that is slow leaves some to the
    /// others. `wait` is how long a load waits for its turn. `None` if no two loads may go together.
    pub(crate) fn new(most: usize, turns: Arc<Semaphore>, wait: Duration) -> Option<Self> {
        let concurrency = turns.available_permits();
        let size = BatchSize::new(most.min(concurrency.div_ceil(2)));
        if size.limit() < 2 {
            return None;
        }
        let state = State { running: 0, waiting: VecDeque::new(), size, number: 0 };
        Some(Self { state: Mutex::new(state), concurrency, turns, patience: PATIENCE.min(wait / 2) })
    }

    /// Waits for as long as it is good for the load. `None`: whoever asked for it gave up.
    pub(crate) async fn join(self: &Arc<Self>, id: &str) -> Option<Call<R>> {
        let (number, mut call) = match self.enter(id) {
            Place::Leads(query) => return Some(Call::Leads(query)),
            Place::Waits { number, call } => (number, call),
        };
        if let Ok(called) = timeout(self.patience, &mut call).await {
            return called.ok();
        }
        match self.overtake(number) {
            Some(query) => Some(Call::Leads(query)),
            None => call.await.ok(),
        }
    }

    fn enter(self: &Arc<Self>, id: &str) -> Place<R> {
        let mut state = self.lock();
        if state.running < self.slots(&state) {
            state.running += 1;
            // Usually nobody waits then; nobody is left behind either.
            return Place::Leads(self.query(&mut state));
        }
        let (sender, call) = oneshot::channel();
        state.number += 1;
        let number = state.number;
        state.waiting.push_back(Waiting { number, id: id.into(), call: sender });
        Place::Waits { number, call }
    }

    /// A query for who has waited long enough, though none has ended: one that hangs must not hold up the others. `None` if its
    /// own is under way.
    fn overtake(self: &Arc<Self>, number: u64) -> Option<Query<R>> {
        let mut state = self.lock();
        let at = state.waiting.iter().position(|waiting| waiting.number == number)?;
        state.waiting.remove(at);
        state.running += 1;
        Some(self.query(&mut state))
    }

    /// Queries under way behind which a load waits: as many as there are turns for, and one less, for who has waited long enough.
    fn slots(&self, state: &State<R>) -> usize {
        (self.concurrency / state.size.limit()).saturating_sub(1).max(1)
    }

    /// A query for a caller and for the first of those that wait: not for more than there are turns free, unless there is none.
    fn query(self: &Arc<Self>, state: &mut State<R>) -> Query<R> {
        let size = match self.turns.available_permits() {
            0 => state.size.limit(),
            free => free.min(state.size.limit()),
        };
        let mut others = Vec::new();
        while others.len() + 1 < size
            && let Some(waiting) = state.waiting.pop_front()
        {
            // Who has gone away wants nothing any more.
            if !waiting.call.is_closed() {
                others.push(waiting);
            }
        }
        Query { queue: Arc::clone(self), others }
    }

    /// Those that go now that a query has ended.
    fn next(self: &Arc<Self>, state: &mut State<R>) -> Option<(oneshot::Sender<Call<R>>, Query<R>)> {
        while state.running < self.slots(state) {
            let first = state.waiting.pop_front()?;
            if !first.call.is_closed() {
                state.running += 1;
                return Some((first.call, self.query(state)));
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        // Each method leaves it whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Query<R> {
    /// Ids that the caller has to ask for besides its own.
    pub(crate) fn others(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(|waiting| &*waiting.id)
    }

    /// Gives each of the others what the store brought for it, in their order. `took` is how long the store was asked; `None` if
    /// it was not, or gave no answer.
    pub(crate) fn bring(mut self, brought: impl IntoIterator<Item = R>, took: Option<Duration>) {
        let others = std::mem::take(&mut self.others);
        if let Some(took) = took {
            self.queue.lock().size.learn(1 + others.len(), took);
        }
        for (waiting, result) in others.into_iter().zip(brought) {
            // Who has gone away needs none.
            let _ = waiting.call.send(Call::Brought(result));
        }
    }
}

impl<R> Drop for Query<R> {
    fn drop(&mut self) {
        let mut others = std::mem::take(&mut self.others).into_iter();
        if let Some(first) = others.find(|waiting| !waiting.call.is_closed()) {
            // In this one's place. If it has gone away meanwhile, its query is dropped here, and the next one leads.
            let query = Query { queue: Arc::clone(&self.queue), others: others.collect() };
            let _ = first.call.send(Call::Leads(query));
            return;
        }
        self.queue.lock().running -= 1;
        loop {
            let next = self.queue.next(&mut self.queue.lock());
            let Some((call, query)) = next else { return };
            let _ = call.send(Call::Leads(query));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Queue = Arc<LoadQueue<String>>;

    /// Queries of up to four, two at a time.
    fn queue() -> Queue {
        Arc::new(
            LoadQueue::new(4, Arc::new(Semaphore::new(12)), Duration::from_secs(60)).expect("four is more than one"),
        )
    }

    fn leads(queue: &Queue, id: &str) -> Query<String> {
        match queue.enter(id) {
            Place::Leads(query) => query,
            Place::Waits { .. } => panic!("{id} waits"),
        }
    }

    fn waits(queue: &Queue, id: &str) -> (u64, oneshot::Receiver<Call<String>>) {
        match queue.enter(id) {
            Place::Waits { number, call } => (number, call),
            Place::Leads(_) => panic!("{id} does not wait"),
        }
    }

    fn is_called(call: &mut oneshot::Receiver<Call<String>>) -> Option<Query<String>> {
        match call.try_recv() {
            Ok(Call::Leads(query)) => Some(query),
            Ok(Call::Brought(what)) => panic!("brought {what}"),
            Err(_) => None,
        }
    }

    fn others(query: &Query<String>) -> Vec<&str> {
        query.others().collect()
    }

    #[test]
    fn a_lone_load_goes_at_once_and_what_comes_while_queries_run_goes_together_when_one_ends() {
        let queue = queue();
        let (first, second) = (leads(&queue, "1"), leads(&queue, "2"));
        assert!(others(&first).is_empty() && others(&second).is_empty());
        let mut calls: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|id| waits(&queue, id).1).collect();
        assert!(calls.iter_mut().all(|call| is_called(call).is_none()), "both queries are under way");
        first.bring([], Some(Duration::from_millis(1)));
        let query = is_called(&mut calls[0]).expect("one of them leads");
        assert_eq!(others(&query), ["b", "c", "d"], "four at most");
        query.bring(["B", "C", "D"].map(str::to_owned), Some(Duration::from_millis(1)));
        for (call, text) in calls[1..].iter_mut().zip(["B", "C", "D"]) {
            assert!(matches!(call.try_recv(), Ok(Call::Brought(what)) if what == text));
        }
        let last = is_called(&mut calls[4]).expect("its turn has come");
        assert!(others(&last).is_empty());
        drop((last, second));
        assert!(others(&leads(&queue, "f")).is_empty(), "all is quiet again");
    }

    #[test]
    fn who_goes_away_is_left_out_and_what_it_led_is_led_by_another() {
        let queue = queue();
        let (first, second) = (leads(&queue, "1"), leads(&queue, "2"));
        let mut calls: Vec<_> = ["a", "b", "c", "d"].iter().map(|id| waits(&queue, id).1).collect();
        drop(calls.remove(2));
        drop(first);
        // It goes away when it has been called, before or after it looked.
        drop(calls.remove(0));
        let query = is_called(&mut calls[0]).expect("the next one leads");
        assert_eq!(others(&query), ["d"]);
        drop(query);
        let query = is_called(&mut calls[1]).expect("and the next one");
        assert!(others(&query).is_empty());
        drop((query, second));
        assert_eq!(queue.lock().running, 0);
        assert!(queue.lock().waiting.is_empty());
    }

    #[test]
    fn who_has_waited_long_enough_goes_with_those_beside_it_and_only_if_it_still_waits() {
        let queue = queue();
        let (_first, second) = (leads(&queue, "1"), leads(&queue, "2"));
        let (number, _call) = waits(&queue, "a");
        let (other, _other_call) = waits(&queue, "b");
        let query = queue.overtake(number).expect("it waits");
        assert_eq!(others(&query), ["b"]);
        assert!(queue.overtake(number).is_none() && queue.overtake(other).is_none(), "both are under way");
        let mut late = waits(&queue, "c").1;
        drop(second);
        assert!(is_called(&mut late).is_none(), "two are still under way");
        query.bring(["B".to_owned()], None);
        assert!(is_called(&mut late).is_some());
    }
}

//! The one thread that writes: changes that wait together share a transaction, and so one flush to disk. So many wait and no
//! more: a disk that does not keep up is told to whoever writes, not hidden in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use redb::{Database, Durability};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{broadcast, oneshot};

use super::failed;
use super::table::Tables;
use crate::change::Change;
use crate::error::StoreError;
use crate::receipt::Receipt;

/// Changes in one transaction at most: those behind must not wait for ever.
const GROUP: usize = 512;
/// Changes that may wait for their turn.
const QUEUE: usize = 2 * GROUP;
/// Part of its deadline that a change waits for a place among them: when it is not even sent, there is time to say so.
const WAIT_FOR_PLACE: f64 = 0.1;
/// Transactions in a row that are not flushed: their pages stay in memory until one is.
const UNFLUSHED: usize = 8;
/// Bytes of documents in them: a document of 16 MiB takes a page of 32 MiB.
const UNFLUSHED_BYTES: usize = 12 << 20;

/// What was written since the last flush.
#[derive(Debug, Clone, Copy, Default)]
struct Unflushed {
    transactions: usize,
    bytes: usize,
}

/// When a change is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durable {
    /// When it is acknowledged.
    Now,
    /// When a later change is that is durable now. The change writes so many bytes.
    Later {
        /// Bytes of its documents.
        bytes: usize,
    },
}

struct Job {
    durable: Durable,
    mutation: Mutation,
}

/// Changes the tables, and gives back how to tell its sender once it is known whether the transaction was committed.
type Mutation = Box<dyn FnOnce(&mut Tables<'_>) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Result<Receipt, StoreError>) + Send>;

/// Clones send to one thread. The last one waits until what was sent is done and the thread has closed the file: then
/// it can be opened again, and needs no repair.
#[derive(Debug, Clone)]
pub(crate) struct Writer(Arc<Thread>);

#[derive(Debug)]
struct Thread {
    /// None only while it is dropped: the thread ends when nobody can send any more.
    jobs: Option<Sender<Job>>,
    /// The last commit that is on disk, with all before it.
    durable: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the store's writer ended by a panic");
        }
    }
}

impl Writer {
    pub(crate) fn start(database: Arc<Database>, changes: broadcast::Sender<Change>) -> Self {
        let (sender, jobs) = channel(QUEUE);
        let durable = Arc::new(AtomicU64::new(0));
        let on_disk = Arc::clone(&durable);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_all(&database, jobs, &changes, &on_disk))
            .expect("a thread can be started at the start of the program");
        Self(Arc::new(Thread { jobs: Some(sender), durable, thread: Some(thread) }))
    }

    /// Makes a change; returns when every reader sees it and, unless it is durable later, when it is on disk. The outcome of a
    /// change that is not done by its deadline is unknown; one that found no place is known not to have happened.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        deadline: Duration,
        durable: Durable,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<(T, Receipt), StoreError> {
        let (sender, result) = oneshot::channel();
        let mutation: Mutation = Box::new(move |tables| {
            // Nobody waits any more if the deadline is over.
            let changed = (!sender.is_closed()).then(|| change(tables));
            Box::new(move |committed: Result<Receipt, StoreError>| {
                if let Some(changed) = changed {
                    let _ = sender.send(committed.and_then(|receipt| Ok((changed?, receipt))));
                }
            })
        });
        let ended = || failed(std::io::Error::other("the writer has ended"));
        let jobs = self.0.jobs.as_ref().ok_or_else(ended)?;
        let place = tokio::time::timeout(deadline.mul_f64(WAIT_FOR_PLACE), jobs.reserve()).await;
        let full =
            || StoreError::Unavailable(Arc::new(std::io::Error::other(format!("{QUEUE} writes wait for the disk"))));
        place.map_err(|_| full())?.map_err(|_| ended())?.send(Job { durable, mutation });
        match tokio::time::timeout(deadline, result).await {
            Ok(result) => result.map_err(failed)?,
            Err(late) => Err(StoreError::UnknownOutcome(Arc::new(late))),
        }
    }

    pub(crate) fn is_durable(&self, receipt: Receipt) -> bool {
        receipt.0 <= self.0.durable.load(Ordering::Acquire)
    }
}

fn write_all(database: &Database, mut jobs: Receiver<Job>, changes: &broadcast::Sender<Change>, durable: &AtomicU64) {
    let (mut unflushed, mut commits) = (Unflushed::default(), 0);
    while let Some(first) = jobs.blocking_recv() {
        let (mut replies, mut changed) = (Vec::new(), Vec::new());
        let committed = write_group(database, first, &mut jobs, &mut replies, &mut changed, &mut unflushed);
        commits += 1;
        let committed = committed.map(|()| {
            if unflushed.transactions == 0 {
                durable.store(commits, Ordering::Release);
            }
            Receipt(commits)
        });
        // Also what could not be committed: it costs a look into the store.
        for change in changed {
            // Nobody needs to be watching.
            let _ = changes.send(change);
        }
        for reply in replies {
            reply(committed.clone());
        }
    }
}

fn write_group(
    database: &Database,
    first: Job,
    jobs: &mut Receiver<Job>,
    replies: &mut Vec<Reply>,
    changed: &mut Vec<Change>,
    unflushed: &mut Unflushed,
) -> Result<(), StoreError> {
    let mut transaction = database.begin_write().map_err(failed)?;
    let mut later = true;
    {
        let mut tables = Tables::open(&transaction)?;
        let mut next = Some(first);
        while let Some(Job { durable, mutation }) = next {
            match durable {
                Durable::Now => later = false,
                Durable::Later { bytes } => unflushed.bytes += bytes,
            }
            replies.push(mutation(&mut tables));
            let is_full = replies.len() >= GROUP || unflushed.bytes >= UNFLUSHED_BYTES;
            next = if is_full { None } else { jobs.try_recv().ok() };
        }
        *changed = tables.into_changes();
    }
    if later && unflushed.transactions < UNFLUSHED && unflushed.bytes < UNFLUSHED_BYTES {
        unflushed.transactions += 1;
        transaction.set_durability(Durability::None).map_err(failed)?;
    } else {
        *unflushed = Unflushed::default();
    }
    transaction.commit().map_err(failed)
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::stream::FuturesUnordered;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn as_many_writes_wait_as_there_are_places_and_one_more_is_known_not_to_have_happened() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("todos.redb");
        let database = Arc::new(Database::create(file).expect("a new file"));
        super::super::table::prepare(&database).expect("tables");
        // A disk that hangs: nobody else gets a transaction.
        let held = database.begin_write().expect("a transaction");
        let (changes, _) = broadcast::channel(1);
        let writer = Writer::start(Arc::clone(&database), changes);
        let run = || writer.run(Duration::from_secs(30), Durable::Now, |_| Ok(()));
        let more = 20;
        // One is taken from the queue, and waits for the disk.
        let mut writes: FuturesUnordered<_> = (0..QUEUE + 1 + more).map(|_| run()).collect();
        for _ in 0..more {
            let refused = writes.next().await;
            assert!(matches!(refused, Some(Err(StoreError::Unavailable(_)))), "{refused:?}");
        }
        drop(held);
        while let Some(done) = writes.next().await {
            done.expect("it had a place");
        }
    }
}

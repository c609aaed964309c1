//! The one thread that writes: changes that wait together share a transaction, and so one flush to disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use redb::{Database, Durability};
use tokio::sync::{broadcast, oneshot};

use super::failed;
use super::table::Tables;
use crate::change::Change;
use crate::error::StoreError;
use crate::receipt::Receipt;

/// Changes in one transaction at most: those behind must not wait for ever.
const GROUP: usize = 512;
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
        let (sender, jobs) = channel();
        let durable = Arc::new(AtomicU64::new(0));
        let on_disk = Arc::clone(&durable);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_all(&database, &jobs, &changes, &on_disk))
            .expect("a thread can be started at the start of the program");
        Self(Arc::new(Thread { jobs: Some(sender), durable, thread: Some(thread) }))
    }

    /// Makes a change; returns when every reader sees it and, unless it is durable later, when it is on disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        durable: Durable,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<(T, Receipt), StoreError> {
        let (sender, result) = oneshot::channel();
        let mutation: Mutation = Box::new(move |tables| {
            let changed = change(tables);
            Box::new(move |committed: Result<Receipt, StoreError>| {
                // Nobody waits any more if the deadline is over.
                let _ = sender.send(committed.and_then(|receipt| Ok((changed?, receipt))));
            })
        });
        let ended = || failed(std::io::Error::other("the writer has ended"));
        let jobs = self.0.jobs.as_ref().ok_or_else(ended)?;
        jobs.send(Job { durable, mutation }).map_err(|_| ended())?;
        result.await.map_err(failed)?
    }

    pub(crate) fn is_durable(&self, receipt: Receipt) -> bool {
        receipt.0 <= self.0.durable.load(Ordering::Acquire)
    }
}

fn write_all(database: &Database, jobs: &Receiver<Job>, changes: &broadcast::Sender<Change>, durable: &AtomicU64) {
    let (mut unflushed, mut commits) = (Unflushed::default(), 0);
    while let Ok(first) = jobs.recv() {
        let (mut replies, mut changed) = (Vec::new(), Vec::new());
        let committed = write_group(database, first, jobs, &mut replies, &mut changed, &mut unflushed);
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
    jobs: &Receiver<Job>,
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

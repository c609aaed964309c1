//! A thread that reads, checks and batches. It waits when too much is in memory; a damaged document is never passed on.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use todo_store::raw::{Documents, Encoding};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::id_first::id_first;
use super::ids_as_text::with_id_as_text;
use super::remarked::Remarked;
use crate::input::error::{Problem, ReadError};
use crate::source::{Extent, Source};

/// Bytes of documents in memory, wherever they are. A driver holds a batch three or four times while it sends it.
const IN_MEMORY: usize = 20 << 20;
/// A batch is sent off when it has so many bytes.
const BATCH: usize = 2 << 20;

/// Documents, where they begin, and how far the file was read then.
pub struct Batch {
    /// The documents.
    pub documents: Documents,
    /// Where each begins, in bytes after decompression.
    pub begins: Vec<u64>,
    /// Bytes of the file, before decompression.
    pub read: u64,
    /// What was not kept, or is unusual, in documents that are passed on.
    pub remarks: Remarked,
    /// Memory, given back when the batch is dropped.
    permit: Option<OwnedSemaphorePermit>,
}

/// What the thread passes on.
pub enum Fed {
    /// A batch, in the order of the file.
    Batch(Batch),
    /// Nothing can be read any more.
    Damaged(ReadError),
    /// All was read, and is as it should be.
    End,
}

impl Batch {
    fn new() -> Self {
        Self {
            documents: Documents::default(),
            begins: Vec::new(),
            read: 0,
            remarks: Remarked::default(),
            permit: None,
        }
    }
}

/// How ids that are numbers are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// As they are.
    AsTheyAre,
    /// As their decimal text (`--ids-as-text`).
    AsText,
}

/// Starts the thread: batches of at most `size` documents. It ends when nobody listens any more; it may then hang on a
/// pipe that gives nothing, so it is not waited for.
pub fn feed(source: Source, extent: &Extent, size: usize, ids: Ids) -> mpsc::Receiver<Fed> {
    let (sender, receiver) = mpsc::channel(1);
    let (read, runtime) = (Arc::clone(&extent.read), Handle::current());
    let mut feeder = Feeder {
        source,
        last: 0,
        size,
        ids,
        sender: sender.clone(),
        memory: Arc::new(Semaphore::new(IN_MEMORY)),
        runtime,
        read: Box::new(move || read.load(Ordering::Relaxed)),
    };
    std::thread::spawn(move || {
        let last = match feeder.run() {
            Ok(true) => Fed::End,
            Ok(false) => return,
            Err(error) => Fed::Damaged(error),
        };
        // Nobody listens any more if it cannot be sent.
        let _ = sender.blocking_send(last);
    });
    receiver
}

enum Added {
    Document,
    End,
    NobodyListens,
}

struct Feeder {
    source: Source,
    /// Bytes of the document before.
    last: usize,
    size: usize,
    ids: Ids,
    sender: mpsc::Sender<Fed>,
    memory: Arc<Semaphore>,
    runtime: Handle,
    read: Box<dyn Fn() -> u64 + Send>,
}

impl Feeder {
    /// False if nobody listens any more.
    fn run(&mut self) -> Result<bool, ReadError> {
        let mut batch = Batch::new();
        loop {
            match self.add_to(&mut batch) {
                Ok(Added::Document) if batch.begins.len() < self.size && batch.documents.bytes().len() < BATCH => {}
                Ok(Added::Document) => {
                    if !self.send(&mut batch) {
                        return Ok(false);
                    }
                }
                Ok(Added::NobodyListens) => return Ok(false),
                Ok(Added::End) => return Ok(batch.documents.is_empty() || self.send(&mut batch)),
                // What came before it is good.
                Err(error) if batch.documents.is_empty() || self.send(&mut batch) => return Err(error),
                Err(_) => return Ok(false),
            }
        }
    }

    fn add_to(&mut self, batch: &mut Batch) -> Result<Added, ReadError> {
        // Behind a large document there is likely another: it is not even read before there is room for it.
        let likely = self.last;
        if !self.reserve(batch, likely) {
            return Ok(Added::NobodyListens);
        }
        if !self.source.read_next()? {
            return Ok(Added::End);
        }
        self.last = self.source.document().len();
        if !self.reserve(batch, self.last.saturating_sub(likely)) {
            return Ok(Added::NobodyListens);
        }
        let pushed = self.push_to(&mut batch.documents);
        let (encoding, id_was_number) = pushed.map_err(|problem| self.source.error(Problem::Malformed(problem)))?;
        batch.remarks.numeric_ids += u64::from(id_was_number);
        batch.remarks.add(self.source.begin(), self.source.remarks(), encoding);
        batch.begins.push(self.source.begin());
        self.source.forget();
        Ok(Added::Document)
    }

    /// Adds the last document, without a copy if it is large; answers with whether its id was a number, too.
    fn push_to(&mut self, documents: &mut Documents) -> Result<(Encoding, bool), String> {
        let changed = match self.ids {
            Ids::AsTheyAre => None,
            Ids::AsText => with_id_as_text(self.source.document())?,
        };
        let id_was_number = changed.is_some();
        let moved = match id_first(changed.as_deref().unwrap_or(self.source.document()))? {
            Cow::Owned(moved) => Some(moved),
            Cow::Borrowed(_) => None,
        };
        let added = match moved.or(changed).or_else(|| self.source.take_large()) {
            Some(document) => documents.add_owned(document),
            None => documents.add(self.source.document()),
        };
        added.map(|encoding| (encoding, id_was_number)).map_err(|malformed| malformed.to_string())
    }

    /// Waits until there is memory for so much more in a batch; false if nobody listens any more. Others always hold, and
    /// give back, what it waits for: a batch never asks for more than there is.
    fn reserve(&self, batch: &mut Batch, bytes: usize) -> bool {
        let held = batch.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let bytes = bytes.min(IN_MEMORY - held) as u32;
        let memory = Arc::clone(&self.memory);
        let permit = match Arc::clone(&memory).try_acquire_many_owned(bytes) {
            Ok(permit) => permit,
            Err(_) => {
                let waiting = self.sender.clone();
                let wait = async {
                    tokio::select! {
                        permit = memory.acquire_many_owned(bytes) => permit.ok(),
                        () = waiting.closed() => None,
                    }
                };
                let Some(permit) = self.runtime.block_on(wait) else { return false };
                permit
            }
        };
        match &mut batch.permit {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        true
    }

    fn send(&mut self, batch: &mut Batch) -> bool {
        let mut full = std::mem::replace(batch, Batch::new());
        full.read = (self.read)();
        self.sender.blocking_send(Fed::Batch(full)).is_ok()
    }
}

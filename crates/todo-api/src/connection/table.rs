//! `Table`: the connections of one worker. It alone decides which of them ends, by its age in its stage.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::limited_log::Limited;

/// How often deadlines are looked at; the clock of all connections.
const TICK: Duration = Duration::from_millis(50);
/// How long a connection that was answered with a refusal may take to hang up.
const LINGER: Duration = Duration::from_secs(1);
/// Younger than this a request that is still being sent is not called slow.
const YOUNG: Duration = Duration::from_secs(1);

/// Deadlines of a connection, and how many a worker may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From its first byte to the end of a head.
    pub(crate) head: Duration,
    /// From the end of the head to the end of the body; also for a client to take its answer.
    pub(crate) body: Duration,
    /// Between two requests.
    pub(crate) idle: Duration,
    /// Connections of one worker.
    pub(crate) connections: usize,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The first byte of the first request.
    Fresh,
    /// The rest of a head.
    Head,
    /// The rest of a body.
    Body,
    /// The service: the request is complete.
    Working,
    /// The client, which does not take the answer.
    Writing,
    /// The next request.
    Idle,
    /// The client's end of the connection.
    Closing,
}

/// Why a connection ends before its client wants it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its time is over.
    TooSlow(Stage),
    /// There are too many, and this one is the least use.
    Crowded(Stage),
}

/// A connection in the table.
#[derive(Debug)]
pub(crate) struct Entry {
    index: Cell<usize>,
    stage: Cell<Stage>,
    since_ms: Cell<u64>,
    verdict: Cell<Option<Verdict>>,
    waker: RefCell<Option<Waker>>,
    table: Weak<Table>,
}

/// The connections of one worker.
#[derive(Debug)]
pub(crate) struct Table {
    limits: Limits,
    began: Instant,
    now_ms: Cell<u64>,
    entries: RefCell<Vec<Rc<Entry>>>,
}

impl Table {
    /// A table whose deadlines are watched for as long as it lives, on this thread.
    pub(crate) fn watched(limits: Limits) -> Rc<Self> {
        let table =
            Rc::new(Self { limits, began: Instant::now(), now_ms: Cell::new(0), entries: RefCell::new(Vec::new()) });
        let watched = Rc::downgrade(&table);
        actix_web::rt::spawn(async move {
            while let Some(table) = watched.upgrade() {
                table.tick();
                drop(table);
                tokio::time::sleep(TICK).await;
            }
        });
        table
    }

    /// Takes a new connection in, and sends others away if there are too many now.
    pub(crate) fn enter(self: &Rc<Self>) -> Rc<Entry> {
        if self.entries.borrow().len() >= self.limits.connections {
            self.make_room();
        }
        let entry = Rc::new(Entry {
            index: Cell::new(self.entries.borrow().len()),
            stage: Cell::new(Stage::Fresh),
            since_ms: Cell::new(self.now_ms.get()),
            verdict: Cell::new(None),
            waker: RefCell::new(None),
            table: Rc::downgrade(self),
        });
        self.entries.borrow_mut().push(Rc::clone(&entry));
        entry
    }

    fn tick(&self) {
        self.now_ms.set(self.began.elapsed().as_millis() as u64);
        for entry in self.entries.borrow().iter() {
            let stage = entry.stage.get();
            let limit = match stage {
                Stage::Fresh | Stage::Head => self.limits.head,
                Stage::Body | Stage::Writing => self.limits.body,
                Stage::Idle => self.limits.idle,
                Stage::Closing => LINGER,
                // The service has deadlines of its own.
                Stage::Working => continue,
            };
            if self.age_ms(entry) > limit.as_millis() as u64 {
                entry.end(Verdict::TooSlow(stage));
            }
        }
    }

    /// Ends the slowest that are still sending, then the longest idle: a few at a time, so that a crowd costs little each.
    fn make_room(&self) {
        static CROWDED: Limited = Limited::every(Duration::from_secs(10));
        let entries = self.entries.borrow();
        let leaving = entries.iter().filter(|entry| entry.verdict.get().is_some()).count();
        if entries.len() - leaving < self.limits.connections {
            return;
        }
        let rank = |entry: &Entry| match entry.stage.get() {
            Stage::Fresh | Stage::Head | Stage::Body | Stage::Writing
                if self.age_ms(entry) >= YOUNG.as_millis() as u64 =>
            {
                Some(0)
            }
            Stage::Idle => Some(1),
            Stage::Fresh | Stage::Head | Stage::Body => Some(2),
            Stage::Writing | Stage::Working | Stage::Closing => None,
        };
        let staying = entries.iter().filter(|entry| entry.verdict.get().is_none());
        let mut ranked: Vec<_> =
            staying.filter_map(|entry| Some((rank(entry)?, entry.since_ms.get(), entry))).collect();
        ranked.sort_by_key(|(rank, since, _)| (*rank, *since));
        for (_, _, entry) in ranked.iter().take(self.limits.connections.div_ceil(32)) {
            entry.end(Verdict::Crowded(entry.stage.get()));
        }
        if let Some(times) = CROWDED.permit() {
            let bound = self.limits.connections;
            tracing::warn!(
                bound,
                times,
                "this worker has as many connections as it may have: the slowest and the longest idle are closed \
                 (--max-connections)"
            );
        }
    }

    fn age_ms(&self, entry: &Entry) -> u64 {
        self.now_ms.get().saturating_sub(entry.since_ms.get())
    }

    fn remove(&self, entry: &Entry) {
        let mut entries = self.entries.borrow_mut();
        let at = entry.index.get();
        entries.swap_remove(at);
        if let Some(moved) = entries.get(at) {
            moved.index.set(at);
        }
    }
}

impl Entry {
    pub(crate) fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// Goes on to a stage, whose time begins now.
    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        if let Some(table) = self.table.upgrade() {
            self.since_ms.set(table.now_ms.get());
        }
    }

    /// Why the connection is to end, if it is.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verdict.get()
    }

    /// Takes the verdict back.
    pub(crate) fn stay(&self) {
        self.verdict.set(None);
    }

    /// Has the task woken when the connection is to end.
    pub(crate) fn wake_at_end(&self, waker: &Waker) {
        let mut own = self.waker.borrow_mut();
        if !own.as_ref().is_some_and(|own| own.will_wake(waker)) {
            *own = Some(waker.clone());
        }
    }

    /// Leaves the table; to be called once.
    pub(crate) fn leave(&self) {
        if let Some(table) = self.table.upgrade() {
            table.remove(self);
        }
    }

    fn end(&self, verdict: Verdict) {
        // A later verdict wins: one that was heard already does not end a connection that is closing.
        self.verdict.set(Some(verdict));
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

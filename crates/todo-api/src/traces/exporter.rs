//! `Exporter`: spans wait in a bounded queue until a task sends them, many at a time. What finds no room is dropped, and what the
//! collector does not take is after some attempts; both are counted, and logged once a minute.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::endpoint::Endpoint;
use super::otlp::Resource;
use super::post::{Again, Refusal, Taken, post};
use super::span::Record;
use crate::limited_log::Limited;

/// Spans that may wait.
const QUEUE: usize = 8_192;
/// Spans of one request.
const BATCH: usize = 512;
/// How long a span waits for company.
const DELAY: Duration = Duration::from_secs(1);
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a batch is sent again, and the first and the longest pause before that.
const RETRIES: u32 = 5;
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// At most one line in this time.
const LOG: Duration = Duration::from_secs(60);

/// What became of spans.
#[derive(Debug, Default)]
pub struct Counts {
    /// The collector took them.
    pub exported: AtomicU64,
    /// The queue was full.
    pub no_room: AtomicU64,
    /// The collector did not take them.
    pub not_taken: AtomicU64,
}

/// Where spans are put.
pub(super) struct Queue {
    sender: mpsc::Sender<Record>,
    counts: Arc<Counts>,
}

/// The task that sends them.
pub(super) struct Exporter {
    /// Until when the rest is to be sent, once it is time to end.
    stop: watch::Sender<Option<Instant>>,
    task: JoinHandle<()>,
}

struct Sender {
    queue: mpsc::Receiver<Record>,
    stop: watch::Receiver<Option<Instant>>,
    endpoint: Endpoint,
    resource: Resource,
    counts: Arc<Counts>,
}

impl Queue {
    /// Takes a span, or drops it. Never waits.
    pub(super) fn add(&self, span: Record) {
        if self.sender.try_send(span).is_err() {
            self.counts.no_room.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Exporter {
    pub(super) fn start(endpoint: Endpoint, resource: Resource, counts: Arc<Counts>) -> (Queue, Self) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(None);
        let task = Sender { queue, stop: stopped, endpoint, resource, counts: Arc::clone(&counts) };
        (Queue { sender, counts }, Self { stop, task: tokio::spawn(task.run()) })
    }

    /// Sends what is queued, for so long at most.
    pub(super) async fn finish(self, patience: Duration) {
        let until = Instant::now() + patience;
        self.stop.send_replace(Some(until));
        let mut task = self.task;
        if timeout_at(until + DELAY, &mut task).await.is_err() {
            task.abort();
        }
    }
}

impl Sender {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.fill(&mut batch).await {
            self.deliver(&batch).await;
            batch.clear();
        }
    }

    /// Waits for spans, and a little for more; `false` once there will be none.
    async fn fill(&mut self, batch: &mut Vec<Record>) -> bool {
        let mut until = None;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            let stopping = self.stop.borrow().is_some();
            if stopping {
                // What is in it is still to be had.
                self.queue.close();
            }
            tokio::select! {
                received = self.queue.recv_many(batch, room) => match received {
                    0 => break,
                    _ => until = until.or_else(|| Some(Instant::now() + DELAY)),
                },
                _ = self.stop.changed(), if !stopping => {}
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => break,
            }
        }
        !batch.is_empty()
    }

    /// Sends a batch, and again if that may help; else it is dropped.
    async fn deliver(&mut self, batch: &[Record]) {
        let body = self.resource.request(batch);
        let mut pause = PAUSES.0;
        let mut tries = 0;
        let refusal = loop {
            let refusal = match self.send(&body).await {
                Ok(taken) => return self.count(batch.len() as u64, taken),
                Err(refusal) => refusal,
            };
            tries += 1;
            let Again::Later(after) = refusal.again else { break refusal };
            if tries > RETRIES || self.stop.borrow().is_some() {
                break refusal;
            }
            self.say(&refusal, 0);
            // Whoever ends the process has no time for pauses.
            let _ = timeout(after.unwrap_or(pause).min(PAUSES.1), self.stop.changed()).await;
            pause = (pause * 2).min(PAUSES.1);
        };
        self.counts.not_taken.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.say(&refusal, batch.len());
    }

    /// What was taken is not sent again, whatever part of it that was.
    fn count(&self, spans: u64, taken: Taken) {
        let rejected = taken.rejected.min(spans);
        self.counts.exported.fetch_add(spans - rejected, Ordering::Relaxed);
        self.counts.not_taken.fetch_add(rejected, Ordering::Relaxed);
        if rejected > 0 || !taken.words.is_empty() {
            let why = format!("it takes a batch but for {rejected} spans: {}", taken.words);
            self.say(&Refusal { why, again: Again::Never }, rejected as usize);
        }
    }

    async fn send(&self, body: &[u8]) -> Result<Taken, Refusal> {
        let mut stop = self.stop.clone();
        let over = async move {
            match stop.wait_for(Option::is_some).await.ok().and_then(|until| *until) {
                Some(until) => sleep_until(until).await,
                None => sleep(PATIENCE).await,
            }
        };
        let late = |again| Refusal { why: "it did not answer in time".to_owned(), again };
        tokio::select! {
            sent = timeout(PATIENCE, post(&self.endpoint, body)) => sent.unwrap_or_else(|_| Err(late(Again::Later(None)))),
            () = over => Err(late(Again::Never)),
        }
    }

    fn say(&self, refusal: &Refusal, dropped: usize) {
        static LINES: Limited = Limited::every(LOG);
        if let Some(times) = LINES.permit() {
            let (no_room, not_taken) =
                (self.counts.no_room.load(Ordering::Relaxed), self.counts.not_taken.load(Ordering::Relaxed));
            tracing::warn!(
                endpoint = %self.endpoint,
                cause = refusal.why,
                times,
                dropped,
                dropped_so_far = no_room + not_taken,
                "the collector does not take traces; requests are answered as ever"
            );
        }
    }
}

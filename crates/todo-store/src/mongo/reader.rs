//! Reads a change stream ahead, in a task of its own: so that many events that are there are taken at once, and a server that
//! says nothing is told from one that says that there is nothing.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::poll;
use mongodb::bson::doc;
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ResumeToken;
use mongodb::error::Error;
use mongodb::options::FullDocumentBeforeChangeType;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::errors::OpKind;
use super::event::{self, Event};
use super::{Deadline, MongoStore};
use crate::error::StoreError;

/// How long the server waits for a change before it says that there is none.
const QUIET: Duration = Duration::from_millis(250);
/// How much longer its answer may take until the connection counts as dead: a firewall that has forgotten it tells nobody.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the patience grows at most.
const LONGEST: Duration = Duration::from_secs(600);
/// Events that come with one answer of the server, and that are taken at once. A larger answer would hold up its first event.
const BATCH: u32 = 1_000;

/// How long the server is not asked again while it has something new each time: an answer costs it, and us, far more than an event in
/// it. The first event after a pause is told at once.
const APART: Duration = Duration::from_millis(5);

/// What the server says.
pub(crate) enum Message {
    Event(Box<Event>),
    /// There is nothing new.
    Quiet,
    /// The collection was dropped or renamed: nothing more comes from this stream.
    End,
    Failed(Error),
}

/// A message, and the place in the stream behind it.
pub(crate) struct Read {
    pub(crate) message: Message,
    pub(crate) place: Option<ResumeToken>,
}

/// A stream that is read ahead.
pub(crate) struct Reader {
    messages: Receiver<Read>,
    task: JoinHandle<()>,
    /// Behind everything that was taken.
    place: Option<ResumeToken>,
    /// How long the next message may take. Doubled each time in a row that none comes: a server that looks through much of
    /// its log for changes of this collection takes its time.
    patience: Duration,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reader {
    /// Begins behind a place, or now. The driver's own error says whether the place is known. The server first looks through all
    /// that was written behind the place, so this is no operation of a moment.
    pub(crate) async fn begin(
        store: &MongoStore,
        after: Option<ResumeToken>,
    ) -> Result<Result<Self, Error>, StoreError> {
        Self::begin_within(LONGEST, store, after).await
    }

    async fn begin_within(
        patience: Duration,
        store: &MongoStore,
        after: Option<ResumeToken>,
    ) -> Result<Result<Self, Error>, StoreError> {
        let watch = store
            .todos
            .watch()
            .pipeline([doc! { "$project": event::fields() }])
            .full_document_before_change(FullDocumentBeforeChangeType::WhenAvailable)
            .batch_size(BATCH)
            .max_await_time(QUIET);
        let watch = match after.clone() {
            // Also behind the drop of the collection, where `resumeAfter` cannot go on.
            Some(token) => watch.start_after(token),
            None => watch,
        };
        let begun = Deadline::after(patience).bare(OpKind::Read, watch.into_future()).await?;
        Ok(begun.map(|stream| {
            let place = stream.resume_token().or(after);
            let (sender, messages) = channel(BATCH as usize);
            let task = tokio::spawn(read_all(stream.with_type(), sender));
            Self { messages, task, place, patience: QUIET + PATIENCE }
        }))
    }

    /// Behind everything that was taken.
    pub(crate) fn place(&self) -> Option<ResumeToken> {
        self.place.clone()
    }

    /// Everything that has arrived, at least one message; `None` if the server does not answer any more.
    pub(crate) async fn take(&mut self) -> Option<Vec<Read>> {
        let mut taken = Vec::new();
        match timeout(self.patience, self.messages.recv_many(&mut taken, BATCH as usize)).await {
            Ok(1..) => {}
            // The task has said why before it ended, or it panicked.
            Ok(0) | Err(_) => return None,
        }
        self.patience = QUIET + PATIENCE;
        self.place = taken.last().and_then(|read| read.place.clone()).or(self.place.take());
        Some(taken)
    }

    /// Goes on behind what was taken, over another connection.
    pub(crate) async fn begin_again(&mut self, store: &MongoStore) -> Result<Result<(), Error>, StoreError> {
        let patience = (self.patience * 2).min(LONGEST);
        let begun = Self::begin_within(patience.max(store.timeout), store, self.place.clone()).await?;
        Ok(begun.map(|reader| {
            *self = reader;
            self.patience = patience;
        }))
    }
}

async fn read_all(mut stream: ChangeStream<Event>, sender: Sender<Read>) {
    let mut asked_at: Option<Instant> = None;
    loop {
        let (next, is_new_answer) = next_of(&mut stream).await;
        let message = match next {
            Ok(Some(event)) => Message::Event(Box::new(event)),
            Ok(None) if stream.is_alive() => Message::Quiet,
            Ok(None) => Message::End,
            Err(error) => Message::Failed(error),
        };
        let is_last = matches!(message, Message::End | Message::Failed(_));
        let place = stream.resume_token();
        let is_event = matches!(message, Message::Event(_));
        if sender.send(Read { message, place }).await.is_err() || is_last {
            return;
        }
        if is_event && is_new_answer {
            if asked_at.is_some_and(|at| at.elapsed() < APART) {
                sleep(APART).await;
            }
            asked_at = Some(Instant::now());
        }
    }
}

/// What is next, and whether the server had to be asked for it.
async fn next_of(stream: &mut ChangeStream<Event>) -> (Result<Option<Event>, Error>, bool) {
    let mut next = pin!(stream.next_if_any());
    match poll!(next.as_mut()) {
        Poll::Ready(next) => (next, false),
        Poll::Pending => (next.await, true),
    }
}

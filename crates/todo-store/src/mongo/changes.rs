//! The change stream of the collection (MongoDB manual, "Change Streams").
//!
//! A write tells its todo's version if that is new: then nobody may answer less. A writer that knows nothing of versions
//! gives none, leaves the old one, or copies it along with the document; such a write only says that something happened.
//! (The kind of the event does not tell them apart: the server logs also updates of ours as replacements, if shorter.)

use std::collections::VecDeque;
use std::time::Duration;

use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ResumeToken;
use mongodb::error::Error;
use mongodb::options::{FullDocumentBeforeChangeType, FullDocumentType};
use serde::Deserialize;
use todo_model::{TodoId, Version};
use tokio::time::Instant;

use super::election::Term;
use super::errors::{self, OpKind};
use super::event::{self, Event};
use super::known_versions::KnownVersions;
use super::{MongoStore, within};
use crate::change::Change;
use crate::error::StoreError;
use crate::printable;

/// How long the server waits for a change before it says that there is none.
const QUIET: Duration = Duration::from_millis(250);
/// The place in the stream is not in the server's log any more, or is none (MongoDB manual, "Error Codes").
const LOST: [i32; 4] = [136, 260, 280, 286];
/// Several deletes that do not say of what are told of together.
const UNKNOWN_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// A watcher.
pub(crate) struct MongoChanges {
    store: MongoStore,
    stream: ChangeStream<Event>,
    /// Where the resume point is saved.
    notes: Collection<Document>,
    /// Name under which the resume point is saved; `None`: it is not.
    name: Option<String>,
    /// How many primaries the driver had met, and which there was.
    met: u64,
    term: Term,
    complete: bool,
    /// Of an event that tells of several ids, those that were not given out yet.
    pending: VecDeque<Change>,
    unknown: bool,
    unknown_told_at: Option<Instant>,
    /// The collection was dropped, and with it the index on id.
    dropped: bool,
    pre_images: bool,
    versions: KnownVersions,
    /// When the last event was committed, by the server's clock, seconds since 1970.
    last_at: u64,
}

/// Where a watcher goes on that has ended, under its name.
#[derive(Debug, serde::Serialize, Deserialize)]
struct ResumePoint {
    #[serde(rename = "_id")]
    name: String,
    token: ResumeToken,
    #[serde(flatten)]
    term: Term,
}

impl MongoStore {
    pub(crate) async fn changes(&self, name: Option<&str>) -> Result<MongoChanges, StoreError> {
        let notes: Collection<Document> = self.database.collection(&format!("{}.change_stream", self.todos.name()));
        let (met, term) = (self.primaries.met(), self.term().await?);
        let saved = match name {
            Some(name) => {
                let points = notes.clone_with_type::<ResumePoint>();
                within(self.timeout, OpKind::Read, points.find_one(doc! { "_id": name }).into_future()).await?
            }
            None => None,
        };
        let known = saved.as_ref().map(|point| point.term.election);
        let resumed = match saved {
            Some(ResumePoint { token, .. }) => match self.watch(Some(token)).await {
                Err(error) if is_lost(&error) => None,
                resumed => Some(resumed.map_err(|error| errors::classify(error, OpKind::Read))?),
            },
            None => None,
        };
        let complete = resumed.is_some();
        let stream = match resumed {
            Some(stream) => stream,
            None => self.watch(None).await.map_err(|error| errors::classify(error, OpKind::Read))?,
        };
        let mut changes = MongoChanges {
            store: self.clone(),
            stream,
            notes,
            name: name.map(str::to_owned),
            met,
            term,
            complete,
            pending: VecDeque::new(),
            unknown: false,
            unknown_told_at: None,
            dropped: false,
            pre_images: false,
            versions: KnownVersions::since(term.clock),
            last_at: term.clock.0 / Version::PER_SECOND,
        };
        if known != Some(term.election) {
            changes.begin_term(term).await?;
            // Who missed changes believes nothing of before anyway.
            changes.unknown &= complete;
        }
        if self.has_foreign_documents().await? {
            changes.ask_for_pre_images().await;
        }
        Ok(changes)
    }

    async fn watch(&self, after: Option<ResumeToken>) -> Result<ChangeStream<Event>, Error> {
        let watch = self
            .todos
            .watch()
            .pipeline([doc! { "$project": event::fields() }])
            .full_document(FullDocumentType::UpdateLookup)
            .full_document_before_change(FullDocumentBeforeChangeType::WhenAvailable)
            .max_await_time(QUIET);
        let watch = match after {
            // Also behind the drop of the collection, where `resumeAfter` cannot go on.
            Some(token) => watch.start_after(token),
            None => watch,
        };
        Ok(watch.await?.with_type())
    }

    /// Whether there are documents whose `_id` cannot be their id: answered from the index on `_id`.
    async fn has_foreign_documents(&self) -> Result<bool, StoreError> {
        let foreign =
            self.todos.find_one(doc! { "_id": { "$not": { "$type": "string" } } }).projection(doc! { "_id": 1 });
        Ok(within(self.bulk_timeout, OpKind::Read, foreign.into_future()).await?.is_some())
    }
}

impl MongoChanges {
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Change>, StoreError> {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return Ok(Some(change));
            }
            if self.unknown && self.unknown_told_at.is_none_or(|at| at.elapsed() >= UNKNOWN_AT_MOST_EVERY) {
                (self.unknown, self.unknown_told_at) = (false, Some(Instant::now()));
                return Ok(Some(Change::Unknown));
            }
            let met = self.store.primaries.met();
            if met != self.met {
                let term = self.store.term().await?;
                if term.election != self.term.election {
                    self.begin_term(term).await?;
                }
                self.met = met;
                continue;
            }
            if !self.stream.is_alive() {
                // An `invalidate` ended it: the collection was dropped or renamed. A new one may take its place.
                let after = self.stream.resume_token();
                self.stream = self.store.watch(after).await.map_err(|error| errors::classify(error, OpKind::Read))?;
                // What took its place may have been filled before it had the name.
                if self.store.has_foreign_documents().await? {
                    self.ask_for_pre_images().await;
                }
            }
            match self.stream.next_if_any().await {
                Ok(Some(event)) => self.take(event).await,
                // What is not told yet is still outstanding.
                Ok(None) if self.unknown => {}
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.failed(error).await),
            }
        }
    }

    pub(crate) fn lag(&self) -> Duration {
        let now = self.store.now().0 / Version::PER_SECOND;
        Duration::from_secs(now.saturating_sub(self.last_at))
    }

    pub(crate) async fn save(&mut self) -> Result<(), StoreError> {
        let (Some(name), Some(token)) = (&self.name, self.stream.resume_token()) else { return Ok(()) };
        if !self.pending.is_empty() || self.unknown {
            return Ok(());
        }
        let point = ResumePoint { name: name.clone(), token, term: self.term };
        let points = self.notes.clone_with_type::<ResumePoint>();
        let save = points.replace_one(doc! { "_id": name }, &point).upsert(true);
        within(self.store.timeout, OpKind::Write, save.into_future()).await.map(drop)
    }

    /// What was read from a new primary until it knew of every write of before may be old, and nobody tells of it again.
    async fn begin_term(&mut self, term: Term) -> Result<(), StoreError> {
        self.store.settle(&self.notes).await?;
        (self.term, self.unknown) = (term, true);
        Ok(())
    }

    async fn take(&mut self, event: Event) {
        self.last_at = event.cluster_time.map_or(self.last_at, |at| u64::from(at.time));
        match event.operation_type.as_str() {
            "drop" | "rename" | "dropDatabase" => {
                // What comes in its place has neither the index nor pre-images.
                (self.dropped, self.pre_images) = (true, false);
                self.unknown = true;
            }
            "insert" | "update" | "replace" => self.take_write(&event).await,
            "delete" => self.take_delete(&event),
            // "invalidate" follows the drop that it tells of.
            _ => {}
        }
    }

    async fn take_write(&mut self, event: &Event) {
        if std::mem::take(&mut self.dropped) {
            // Without the index every read that misses would look at every document.
            if let Err(error) = self.store.make_unique_index().await {
                tracing::error!(
                    error = %printable(&error.with_cause()),
                    "the collection was dropped and made anew, and the index on id cannot be made"
                );
            }
        }
        let (id, key) = (todo_id(event.id.as_ref()), todo_id(event.key.as_ref()));
        if id != key {
            self.ask_for_pre_images().await;
        }
        if let Some(id) = &id {
            let change = match event.version().filter(|version| self.versions.is_new(id, *version, event.cluster_time))
            {
                Some(version) => Change::Written { id: id.clone(), version },
                None => Change::Touched { id: id.clone() },
            };
            self.pending.push_back(change);
        }
        // A document whose id was changed is gone under the old one.
        let old = todo_id(event.old_id.as_ref());
        let others = [key, old].into_iter().flatten().filter(|other| Some(other) != id.as_ref());
        self.pending.extend(others.map(|id| Change::Touched { id }));
    }

    fn take_delete(&mut self, event: &Event) {
        let (old, key) = (todo_id(event.old_id.as_ref()), todo_id(event.key.as_ref()));
        self.unknown |= old.is_none() && key.is_none();
        let also = key.filter(|key| Some(key) != old.as_ref());
        self.pending.extend([old, also].into_iter().flatten().map(|id| Change::Deleted { id }));
    }

    /// A delete of a document whose `_id` is not its id says of what only with pre-images (MongoDB manual, "Change
    /// Streams with Document Pre- and Post-Images"). They cost the server a write for each update and delete, so they
    /// are asked for only where such documents are.
    async fn ask_for_pre_images(&mut self) {
        if std::mem::replace(&mut self.pre_images, true) {
            return;
        }
        let name = self.store.todos.name();
        let ask = self
            .store
            .database
            .run_command(doc! { "collMod": name, "changeStreamPreAndPostImages": doc! { "enabled": true } });
        if let Err(error) = within(self.store.timeout, OpKind::Write, ask.into_future()).await {
            tracing::warn!(
                error = %printable(&error.with_cause()),
                "documents in {} have an _id that is not their id, and pre-images cannot be switched on: after the \
                 delete of such a one nothing that was cached before is served",
                printable(name)
            );
        }
    }

    async fn failed(&mut self, error: Error) -> StoreError {
        if is_lost(&error)
            && let Some(name) = &self.name
        {
            // Otherwise the next watcher would begin at the same place, and fail again.
            let forget = self.notes.delete_one(doc! { "_id": name });
            if let Err(error) = within(self.store.timeout, OpKind::Write, forget.into_future()).await {
                return error;
            }
        }
        errors::classify(error, OpKind::Read)
    }
}

fn todo_id(value: Option<&Bson>) -> Option<TodoId> {
    value?.as_str()?.parse().ok()
}

fn is_lost(error: &Error) -> bool {
    errors::code(error).is_some_and(|code| LOST.contains(&code))
}

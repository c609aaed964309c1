//! The change stream of the collection (MongoDB manual, "Change Streams").
//!
//! A write tells its todo's version if that is new: then nobody may answer less. A writer that knows nothing of versions
//! gives none, leaves the old one, or copies it along with the document; such a write only says that something happened.
//! (The kind of the event does not tell them apart: the server logs also updates of ours as replacements, if shorter.)

use std::collections::VecDeque;
use std::time::Duration;

use mongodb::change_stream::event::ResumeToken;
use mongodb::error::Error;
use todo_model::Version;
use tokio::time::Instant;

use super::MongoStore;
use super::election::Term;
use super::errors::{self, OpKind};
use super::event::{Event, todo_id};
use super::known_versions::KnownVersions;
use super::reader::{Message, Read, Reader};
use super::resume_point::ResumePoints;
use crate::change::Change;
use crate::error::StoreError;

/// The place in the stream is not in the server's log any more, or is none; or what comes behind it is too large to be told
/// (MongoDB manual, "Error Codes").
const LOST: [i32; 5] = [136, 260, 280, 286, 10_334];
/// Several deletes that do not say of what are told of together.
const UNKNOWN_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// A watcher.
pub(crate) struct MongoChanges {
    store: MongoStore,
    reader: Reader,
    points: ResumePoints,
    /// How many primaries the driver had met, and which there was.
    met: u64,
    term: Term,
    complete: bool,
    /// What was read and not given out yet.
    pending: VecDeque<Pending>,
    /// Behind what was given out.
    place: Option<ResumeToken>,
    unknown: bool,
    unknown_told_at: Option<Instant>,
    /// The collection was dropped, and with it the index on id.
    dropped: bool,
    pre_images: bool,
    versions: KnownVersions,
    /// When the last event was committed that was given out, by the server's clock, seconds since 1970.
    last_at: u64,
}

/// What an event tells, and where it stands.
struct Pending {
    change: Option<Change>,
    /// Place behind the event; none before its last change.
    place: Option<ResumeToken>,
    at: Option<u64>,
}

impl MongoStore {
    pub(crate) async fn changes(&self, name: Option<&str>) -> Result<MongoChanges, StoreError> {
        let points = ResumePoints::of(self, name);
        let (met, term) = (self.primaries.met(), self.term().await?);
        let saved = points.last().await?;
        let known = saved.as_ref().map(|point| point.term.election);
        let place = saved.map(|point| point.token);
        let resumed = match &place {
            Some(token) => match Reader::begin(self, Some(token.clone())).await? {
                Err(error) if is_lost(&error) || is_refused(&error) => None,
                resumed => Some(resumed.map_err(read_error)?),
            },
            None => None,
        };
        let complete = resumed.is_some();
        let reader = match resumed {
            Some(reader) => reader,
            None => Reader::begin(self, None).await?.map_err(read_error)?,
        };
        let mut changes = MongoChanges {
            store: self.clone(),
            place: place.filter(|_| complete).or_else(|| reader.place()),
            reader,
            points,
            met,
            term,
            complete,
            pending: VecDeque::new(),
            unknown: false,
            unknown_told_at: None,
            dropped: !complete,
            pre_images: false,
            versions: KnownVersions::since(term.clock),
            last_at: term.clock.0 / Version::PER_SECOND,
        };
        if known != Some(term.election) {
            changes.begin_term(term).await?;
            // Who missed changes believes nothing of before anyway.
            changes.unknown &= complete;
        }
        changes.mend_collection().await?;
        Ok(changes)
    }
}

impl MongoChanges {
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Change>, StoreError> {
        loop {
            while let Some(Pending { change, place, at }) = self.pending.pop_front() {
                self.place = place.or(self.place.take());
                self.last_at = at.unwrap_or(self.last_at);
                if change.is_some() {
                    return Ok(change);
                }
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
            let Some(taken) = self.reader.take().await else {
                tracing::debug!(
                    "the change stream is silent: it is opened again where it was, over another connection"
                );
                if let Err(error) = self.reader.begin_again(&self.store).await? {
                    return Err(self.failed(error).await);
                }
                continue;
            };
            let is_quiet = matches!(taken.last(), Some(Read { message: Message::Quiet, .. }));
            self.take(taken).await?;
            // What is not told yet is still outstanding.
            if is_quiet && !self.unknown && self.pending.iter().all(|pending| pending.change.is_none()) {
                self.place =
                    self.pending.drain(..).filter_map(|pending| pending.place).next_back().or(self.place.take());
                return Ok(None);
            }
        }
    }

    pub(crate) fn lag(&self) -> Duration {
        let now = self.store.now().0 / Version::PER_SECOND;
        Duration::from_secs(now.saturating_sub(self.last_at))
    }

    pub(crate) async fn save(&mut self) -> Result<(), StoreError> {
        match &self.place {
            Some(token) if !self.unknown => self.points.save(token, self.term).await,
            _ => Ok(()),
        }
    }

    /// What was read from a new primary until it knew of every write of before may be old, and nobody tells of it again.
    async fn begin_term(&mut self, term: Term) -> Result<(), StoreError> {
        self.store.settle(&self.points.notes).await?;
        (self.term, self.unknown) = (term, true);
        Ok(())
    }

    /// Gives a collection that took the place of another what it needs: it may have been filled before it had the name. One
    /// that is not there is not made, for whoever dropped it may be about to put another in its place.
    async fn mend_collection(&mut self) -> Result<(), StoreError> {
        // Before the index: while that is built, the server refuses.
        if self.store.has_foreign_documents().await? {
            self.ask_for_pre_images().await;
        }
        if self.dropped && self.store.lacks_index().await? {
            self.dropped = false;
            self.store.make_unique_index_behind();
        }
        Ok(())
    }

    async fn ask_for_pre_images(&mut self) {
        self.pre_images = self.pre_images || self.store.switch_pre_images_on().await;
    }

    async fn take(&mut self, mut taken: Vec<Read>) -> Result<(), StoreError> {
        let mut events: Vec<&mut Event> = taken
            .iter_mut()
            .filter_map(|read| if let Message::Event(event) = &mut read.message { Some(&mut **event) } else { None })
            .collect();
        self.store.look_up_ids(&mut events).await?;
        for Read { message, place } in taken {
            let (before, mut at) = (self.pending.len(), None);
            match message {
                Message::Event(event) => {
                    at = event.cluster_time.map(|at| u64::from(at.time));
                    self.take_event(&event).await;
                }
                Message::Quiet => {}
                Message::End => {
                    // A new collection may take the place of the one that was dropped or renamed.
                    if let Err(error) = self.reader.begin_again(&self.store).await? {
                        return Err(self.failed(error).await);
                    }
                    self.mend_collection().await?;
                }
                Message::Failed(error) => return Err(self.failed(error).await),
            }
            if self.pending.len() == before {
                self.tell(None);
            }
            if let Some(last) = self.pending.back_mut() {
                (last.place, last.at) = (place, at);
            }
        }
        Ok(())
    }

    async fn take_event(&mut self, event: &Event) {
        match event.operation_type.as_str() {
            "drop" | "rename" | "dropDatabase" => {
                // What comes in its place has neither the index nor pre-images.
                (self.dropped, self.pre_images) = (true, false);
                self.unknown = true;
            }
            "insert" | "update" | "replace" => self.take_write(event).await,
            "delete" => self.take_delete(event),
            // "invalidate" follows the drop that it tells of.
            _ => {}
        }
    }

    async fn take_write(&mut self, event: &Event) {
        let (id, key) = (todo_id(event.id.as_ref()), todo_id(event.key.as_ref()));
        // A document that is gone again has no id to be looked up; its key may well have been that.
        if key.is_none() || id.is_some() && id != key {
            self.ask_for_pre_images().await;
        }
        if std::mem::take(&mut self.dropped) {
            self.store.make_unique_index_behind();
        }
        if let Some(id) = &id {
            let new = event.version().filter(|version| self.versions.is_new(id, *version, event.cluster_time));
            self.tell(Some(match new {
                Some(version) => Change::Written { id: id.clone(), version },
                None => Change::Touched { id: id.clone() },
            }));
        }
        // A document whose id was changed is gone under the old one.
        let old = todo_id(event.old_id.as_ref());
        for other in [key, old].into_iter().flatten().filter(|other| Some(other) != id.as_ref()) {
            self.tell(Some(Change::Touched { id: other }));
        }
    }

    fn take_delete(&mut self, event: &Event) {
        let (old, key) = (todo_id(event.old_id.as_ref()), todo_id(event.key.as_ref()));
        self.unknown |= old.is_none() && key.is_none();
        let also = key.filter(|key| Some(key) != old.as_ref());
        for id in [old, also].into_iter().flatten() {
            self.tell(Some(Change::Deleted { id }));
        }
    }

    fn tell(&mut self, change: Option<Change>) {
        self.pending.push_back(Pending { change, place: None, at: None });
    }

    async fn failed(&mut self, error: Error) -> StoreError {
        if is_lost(&error)
            && let Err(error) = self.points.forget().await
        {
            return error;
        }
        read_error(error)
    }
}

fn read_error(error: Error) -> StoreError {
    errors::classify(error, OpKind::Read)
}

fn is_lost(error: &Error) -> bool {
    errors::code(error).is_some_and(|code| LOST.contains(&code))
}

/// Whether the server has read the place and makes nothing of it, whatever the code: it will not tomorrow, either.
fn is_refused(error: &Error) -> bool {
    errors::code(error).is_some() && matches!(errors::classify(error.clone(), OpKind::Read), StoreError::Failed(_))
}

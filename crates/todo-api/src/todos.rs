//! `Todos`: cache and store joined.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cache_aside::{
    Answer, BreakerState, Builder, CacheAside, CacheUrl, Commit, ConnectError, Health, HotId, ReadError,
};
use cache_aside::{ReadOptions, Stats, WriteError, Written};
use todo_model::{NewTodo, Todo, TodoId, TodoPatch, Version};
use todo_store::{Precondition, Store, StoreError, Versioned};
use uuid::Uuid;

use crate::entity_tag::{EntityTag, TagList};
use crate::precondition::{Preconditions, Verdict};
use crate::stored_todos::StoredTodos;

/// Every todo. One for each worker: see [`Todos::per_worker`].
#[derive(Clone)]
pub struct Todos {
    pub(crate) engine: CacheAside<StoredTodos>,
}

/// How often a write looks again when others change the todo between its look and its commit.
const LOOKS: usize = 8;

/// A change of one todo.
pub enum Change {
    /// This todo in the place of the old one, or anew.
    Replace(Todo),
    /// What the patch names.
    Patch(TodoPatch),
    /// Nothing in its place.
    Delete,
}

/// What a change did.
#[derive(Debug)]
pub enum Changed {
    /// It was committed; the result tells whether the todo was created.
    Written(Written<bool>),
    /// The todo is already as the patch wants it, so nothing was written and its version stays.
    Unchanged {
        /// Version of the todo.
        version: u64,
        /// Its JSON.
        body: Bytes,
    },
}

impl Change {
    /// Makes the change if the preconditions hold.
    async fn when(
        &self,
        preconditions: &Preconditions,
        store: &Store,
        id: &TodoId,
    ) -> Result<Commit<bool, StoreError>, StoreError> {
        if let Some(precondition) = self.in_one_step(preconditions) {
            return self.make(store, id, &precondition).await;
        }
        for _ in 0..LOOKS {
            let now = store.find(id).await?;
            if now.is_none() && (preconditions.if_match.is_some() || !matches!(self, Self::Replace(_))) {
                return Err(StoreError::NotFound(id.clone()));
            }
            let tag = now.as_ref().map(|now| EntityTag::of(now.version.0, &now.todo.to_json()));
            if preconditions.evaluate(tag.as_ref()) != Verdict::Hold {
                break;
            }
            match self.make(store, id, &now.map_or(Precondition::Absent, Precondition::Unchanged)).await {
                // What it is now may be good enough, too (`If-Match: *`).
                Err(StoreError::Conflict(_)) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict(id.clone()))
    }

    /// What the store can test by itself, without a look at the todo before.
    fn in_one_step(&self, preconditions: &Preconditions) -> Option<Precondition> {
        match (&preconditions.if_match, &preconditions.if_none_match, self) {
            (None, None, _) => Some(Precondition::None),
            (None, Some(TagList::Any), Self::Replace(_)) => Some(Precondition::Absent),
            // Neither is made of a todo that is not there.
            (Some(TagList::Any), None, Self::Patch(_) | Self::Delete) => Some(Precondition::None),
            _ => None,
        }
    }

    /// Makes the change; the result tells whether the todo was created.
    async fn make(
        &self,
        store: &Store,
        id: &TodoId,
        precondition: &Precondition,
    ) -> Result<Commit<bool, StoreError>, StoreError> {
        match self {
            Self::Replace(todo) => {
                let replaced = store.replace(todo, precondition).await?;
                Ok(value(todo, replaced.version, replaced.created))
            }
            Self::Patch(patch) => {
                let patched = store.patch(id, patch, precondition).await?;
                Ok(value(&patched.todo, patched.version, false))
            }
            Self::Delete => {
                let version = store.delete(id, precondition).await?;
                Ok(Commit::Absent { version: version.0, result: false })
            }
        }
    }
}

impl Todos {
    /// Begins the cache in front of a store; [`Todos::over`] takes it when it is started.
    /// What is no todo is remembered for `absent`, as is what is not there. So many todos may be one query of the store.
    pub fn builder(store: Store, cache: &CacheUrl, absent: Duration, batch: usize) -> Builder<StoredTodos> {
        CacheAside::builder(cache, StoredTodos::new(store, absent, batch))
    }

    /// The todos behind a cache.
    pub fn over(engine: CacheAside<StoredTodos>) -> Self {
        Self { engine }
    }

    /// Waits until the change stream is known to be followed; `false` if it is not by then.
    pub async fn wait_until_live(&self, patience: Duration) -> bool {
        self.engine.wait_until_live(patience).await
    }

    /// Why the cache refuses writes although it answers reads, in its own words.
    pub fn cache_refusal(&self) -> Option<String> {
        self.engine.write_refusal()
    }

    /// Why there is no connection to the cache; `None` while there is one, or none is needed.
    pub async fn cache_connect_error(&self) -> Option<ConnectError> {
        self.engine.connect_error().await
    }

    /// What the user of the cache is not allowed to do although it is needed, a line each. Nothing where the cache does not
    /// answer.
    pub async fn missing_cache_rights(&self) -> Vec<String> {
        self.engine.missing_rights().await.unwrap_or_default()
    }

    /// Waits until every invalidation that was deferred is delivered to the cache; how many are left when the patience ends.
    pub async fn deliver_deferred(&self, patience: Duration) -> usize {
        self.engine.deliver_deferred(patience).await
    }

    /// Everything that the cache has counted.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// The todos that this process reads most at present; `None` where reads are not sampled.
    pub fn hottest(&self, count: usize) -> Option<Vec<HotId>> {
        self.engine.hottest(count)
    }

    /// A handle for one worker thread, with a connection to the cache of its own.
    #[must_use]
    pub fn per_worker(&self) -> Self {
        Self { engine: self.engine.per_worker() }
    }

    /// The todo's JSON, from the cache or else from the store.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(&self, id: &TodoId, how: ReadOptions) -> Result<Answer, ReadError<StoreError>> {
        self.engine.read(id.as_str(), how).await
    }

    /// The JSON of many todos: an answer for each id, in their order.
    pub async fn read_many(&self, ids: &[TodoId], how: ReadOptions) -> Vec<Result<Answer, ReadError<StoreError>>> {
        self.engine.read_many(ids, how).await
    }

    /// Adds a todo, under a new UUIDv7 if the client chose no id.
    ///
    /// # Errors
    /// [`StoreError::Exists`], those of the store, and [`WriteError::Abandoned`] if the write was given up half way.
    pub async fn create(&self, new: NewTodo) -> Result<(TodoId, Written<bool>), WriteError<StoreError>> {
        let chosen = new.id.is_some();
        let todo = new.into_todo(new_id);
        let (store, refused, id) = (self.store().clone(), Arc::clone(self.engine.source().refused()), todo.id.clone());
        let commit = async move {
            let created = if chosen { store.create(&todo).await } else { store.create_under_new_id(&todo).await };
            refused.remove(todo.id.as_str());
            committed(created.map(|version| value(&todo, version, true)))
        };
        let written = self.engine.write(id.as_str(), commit).await?;
        Ok((id, written))
    }

    /// Replaces, patches or deletes a todo. A patch that changes nothing makes no new version.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Conflict`] if `preconditions` do not hold, those of the store, and
    /// [`WriteError::Abandoned`] if the write was given up half way.
    pub async fn change(
        &self,
        id: &TodoId,
        change: Change,
        preconditions: Preconditions,
    ) -> Result<Changed, WriteError<StoreError>> {
        if let Change::Patch(patch) = &change
            && let Some(now) = self.look(patch, id, &preconditions).await?
        {
            return Ok(Changed::Unchanged { version: now.version.0, body: now.todo.to_json().into() });
        }
        let (store, refused, own) = (self.store().clone(), Arc::clone(self.engine.source().refused()), id.clone());
        let commit = async move {
            let changed = change.when(&preconditions, &store, &own).await;
            refused.remove(own.as_str());
            committed(changed)
        };
        self.engine.write(id.as_str(), commit).await.map(Changed::Written)
    }

    /// As [`Todos::unchanged_by`], unless the store is left alone.
    async fn look(
        &self,
        patch: &TodoPatch,
        id: &TodoId,
        preconditions: &Preconditions,
    ) -> Result<Option<Versioned>, WriteError<StoreError>> {
        self.engine.ask_store(self.unchanged_by(patch, id, preconditions)).await.map_err(|error| match error {
            ReadError::Source(error) => WriteError::Store(Arc::unwrap_or_clone(error)),
            ReadError::BreakerOpen => WriteError::BreakerOpen,
            _ => WriteError::Abandoned,
        })
    }

    /// The todo as it is in the store, if the preconditions hold and the patch would leave it as it is.
    async fn unchanged_by(
        &self,
        patch: &TodoPatch,
        id: &TodoId,
        preconditions: &Preconditions,
    ) -> Result<Option<Versioned>, StoreError> {
        let now = self.store().find(id).await?.ok_or_else(|| StoreError::NotFound(id.clone()))?;
        let tag = EntityTag::of(now.version.0, &now.todo.to_json());
        let is_same = patch.apply(now.todo.clone()) == now.todo;
        Ok((is_same && preconditions.evaluate(Some(&tag)) == Verdict::Hold).then_some(now))
    }

    /// State of the breaker in front of the store.
    pub fn store_breaker(&self) -> BreakerState {
        self.engine.store_breaker()
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// Why not.
    pub async fn store_health(&self) -> Result<(), StoreError> {
        self.store().ping().await
    }

    /// Whether the cache answers.
    pub async fn cache_health(&self) -> Health {
        self.engine.health().await
    }

    fn store(&self) -> &Store {
        self.engine.source().store()
    }

    /// How many times the store was read, over all workers.
    pub fn store_reads(&self) -> u64 {
        self.stats().loads.started
    }
}

/// The commit of a write that left this todo; `created` if there was none before.
fn value(todo: &Todo, version: Version, created: bool) -> Commit<bool, StoreError> {
    Commit::Value { version: version.0, body: todo.to_json().into(), result: created }
}

fn committed<T>(done: Result<Commit<T, StoreError>, StoreError>) -> Commit<T, StoreError> {
    match done {
        Ok(commit) => commit,
        Err(error @ StoreError::UnknownOutcome(_)) => Commit::Unknown(error),
        Err(error @ StoreError::Unavailable(_)) => Commit::Unavailable(error),
        Err(error) => Commit::Nothing(error),
    }
}

fn new_id() -> TodoId {
    Uuid::now_v7().to_string().parse().expect("a UUID is 36 visible characters")
}

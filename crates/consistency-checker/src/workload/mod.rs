//! What is asked of the cluster: clients that each send a request, wait for its answer and send the next, and somebody who
//! writes past the service.
//!
//! - [`plan`]: which ids, and what is drawn next. `client`: one client. [`batch`]: reads of many ids at once. `foreign`: the
//!   writer past the service.

pub mod batch;
mod client;
mod foreign;
pub mod plan;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::{RwLock, RwLockWriteGuard};
use tokio::task::JoinSet;

use self::client::{ApiClient, Sent, version_of};
use self::foreign::ForeignWriter;
use self::plan::Plan;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::cluster::node::Node;
use crate::error::CheckError;
use crate::history::{Action, Condition, Marker, Moment, Operation, Outcome, Verb};

/// What came of operations: those that had an answer other than a failure or a refusal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Answers to reads.
    pub reads: u64,
    /// Writes through the service.
    pub writes: u64,
    /// Writes past the service.
    pub foreign: u64,
}

impl Work {
    /// Whether it is no less than `other`, in everything.
    pub(crate) fn is_at_least(self, other: Self) -> bool {
        self.reads >= other.reads && self.writes >= other.writes && self.foreign >= other.foreign
    }
}

/// What all clients share.
pub(crate) struct Shared {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) clock: Clock,
    pub(crate) plan: Plan,
    stop: AtomicBool,
    markers: AtomicU64,
    done: Mutex<Work>,
    /// Held while a write is under way, exclusively by who needs that none is.
    writes: RwLock<()>,
    /// The last tag that anybody saw of an id, for `If-Match` and `Min-Version`.
    tags: Mutex<HashMap<Arc<str>, Tag>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) version: u64,
    pub(crate) text: String,
}

impl Shared {
    fn marker(&self) -> Marker {
        Marker(self.markers.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn count(&self, operation: &Operation) {
        if !matches!(operation.outcome, Outcome::Value { .. } | Outcome::Absent) {
            return;
        }
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        match (operation.is_write(), operation.process) {
            (false, _) => done.reads += 1,
            (true, Some(_)) => done.writes += 1,
            (true, None) => done.foreign += 1,
        }
    }

    fn tag(&self, id: &str) -> Option<Tag> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn saw(&self, id: &Arc<str>, tag: Tag) {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(id), tag);
    }
}

/// Clients at work.
pub struct Workload {
    shared: Arc<Shared>,
    tasks: JoinSet<Vec<Operation>>,
}

impl Workload {
    /// Sends the clients off. The same seed draws the same requests; what comes of them depends on the moment.
    pub fn start(cluster: &Arc<Cluster>, clock: &Clock, plan: Plan, seed: u64) -> Self {
        let shared = Arc::new(Shared {
            cluster: Arc::clone(cluster),
            clock: clock.clone(),
            plan,
            stop: AtomicBool::new(false),
            markers: AtomicU64::new(0),
            done: Mutex::default(),
            writes: RwLock::default(),
            tags: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for number in 0..shared.plan.clients {
            let random = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(number)));
            tasks.spawn(ApiClient::new(number, Arc::clone(&shared), random).run());
        }
        let foreign = if shared.plan.foreign_ids.is_empty() { 0 } else { shared.plan.foreign_writers };
        for number in 0..foreign {
            let random = ChaCha8Rng::seed_from_u64(!seed.wrapping_add(u64::from(number)));
            tasks.spawn(ForeignWriter::new(shared.plan.clients + number, Arc::clone(&shared), random).run());
        }
        Self { shared, tasks }
    }

    /// Somebody who writes past the service in one stroke, among the clients.
    pub fn hand(&self) -> Hand {
        Hand { shared: Arc::clone(&self.shared) }
    }

    /// What the clients have done so far.
    pub fn done(&self) -> Work {
        *self.shared.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every client finish what it is at, and gathers what they wrote down.
    ///
    /// # Errors
    /// A client panicked.
    pub async fn finish(mut self) -> Result<Vec<Operation>, CheckError> {
        self.shared.stop.store(true, Ordering::Release);
        let mut all = Vec::new();
        while let Some(done) = self.tasks.join_next().await {
            all.extend(done?);
        }
        Ok(all)
    }
}

/// Writes past the service in one stroke, as its writers do one by one.
pub struct Hand {
    shared: Arc<Shared>,
}

impl Hand {
    /// Waits until no write is under way, and holds up new ones.
    pub(crate) async fn nobody_writes(&self) -> RwLockWriteGuard<'_, ()> {
        self.shared.writes.write().await
    }

    /// What somebody writes past the service.
    pub(crate) fn foreign_ids(&self) -> &[Arc<str>] {
        &self.shared.plan.foreign_ids
    }

    /// Names a new write.
    pub(crate) fn marker(&self) -> Marker {
        self.shared.marker()
    }

    /// A replacement that has just happened.
    pub(crate) fn replaced(&self, id: Arc<str>, sent: Moment, marker: Marker) -> Operation {
        let action = foreign::write(Verb::ForeignReplace, marker);
        foreign::operation(&self.shared, self.number(), id, sent, action, foreign::written(marker, true))
    }

    /// A delete that has just happened.
    pub(crate) fn deleted(&self, id: Arc<str>, sent: Moment) -> Operation {
        let action = Action::Delete { condition: Condition::None };
        foreign::operation(&self.shared, self.number(), id, sent, action, Outcome::Absent)
    }

    fn number(&self) -> u32 {
        self.shared.plan.clients + self.shared.plan.foreign_writers
    }
}

/// What a node says of an id.
pub enum Reply {
    /// This.
    Todo {
        /// As the `ETag` says.
        version: u64,
        /// As it came.
        body: Arc<str>,
        /// `Cache-Status` without the cache's name.
        cache_status: Arc<str>,
    },
    /// 404.
    Nothing,
}

/// One plain `GET`; `None` if there was no answer.
pub async fn ask(node: &Node, id: &str) -> Option<Reply> {
    let Sent::Answered(answer) = client::answer(node.http.get(node.todo(id)).send().await).await else { return None };
    match (answer.status, answer.tag.as_deref().and_then(version_of)) {
        (200, Some(version)) => Some(Reply::Todo { version, body: answer.body, cache_status: answer.cache_status }),
        (404, _) => Some(Reply::Nothing),
        _ => None,
    }
}

//! `ForeignWriter`: changes todos past the service, as a shell or a script would: without versions, or with old ones.

use std::sync::Arc;
use std::time::Duration;

use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Shared;
use crate::history::{Action, Condition, Marker, Operation, Outcome, Verb};

pub(super) struct ForeignWriter {
    number: u32,
    shared: Arc<Shared>,
    random: ChaCha8Rng,
    todos: Collection<Document>,
    done: Vec<Operation>,
}

impl ForeignWriter {
    pub(super) fn new(number: u32, shared: Arc<Shared>, random: ChaCha8Rng) -> Self {
        let todos = shared.cluster.todos.clone();
        Self { number, shared, random, todos, done: Vec::new() }
    }

    /// Goes on until it is told to stop.
    pub(super) async fn run(mut self) -> Vec<Operation> {
        while !self.shared.stopped() {
            self.step().await;
            let pause = self.shared.plan.foreign_pause.as_micros() as u64;
            tokio::time::sleep(Duration::from_micros(self.random.random_range(0..=pause))).await;
        }
        self.done
    }

    async fn step(&mut self) {
        let ids = &self.shared.plan.foreign_ids;
        let id = Arc::clone(&ids[self.random.random_range(0..ids.len())]);
        match self.random.random_range(0..100) {
            0..40 => self.update(id).await,
            40..55 => self.replace(id).await,
            55..80 => self.insert(id).await,
            80..92 => self.delete(id).await,
            _ => {
                let other = Arc::clone(&self.shared.plan.foreign_ids[0]);
                self.delete_many(&[id, other]).await;
            }
        }
    }

    /// `$set` of the fields that a todo has; `v` stays as it is.
    async fn update(&mut self, id: Arc<str>) {
        let marker = self.shared.marker();
        let set = doc! { "$set": { "name": marker.to_string(), "description": "by somebody else" } };
        let sent = self.shared.clock.now();
        let done = self.todos.update_one(doc! { "id": &*id }, set).await;
        let outcome = done.map(|done| written(marker, done.matched_count > 0));
        self.record(id, sent, write(Verb::ForeignUpdate, marker), outcome);
    }

    /// The document anew, with the `v` that it had.
    async fn replace(&mut self, id: Arc<str>) {
        let marker = self.shared.marker();
        let Ok(Some(found)) = self.todos.find_one(doc! { "id": &*id }).await else { return };
        let mut document = doc! { "id": &*id, "name": marker.to_string(), "description": Bson::Null };
        if let Some(version) = found.get("v") {
            document.insert("v", version.clone());
        }
        let sent = self.shared.clock.now();
        let done = self.todos.replace_one(doc! { "id": &*id }, document).await;
        let outcome = done.map(|done| written(marker, done.matched_count > 0));
        self.record(id, sent, write(Verb::ForeignReplace, marker), outcome);
    }

    /// A new document without `v`; by a writer that leaves the `_id` to the database, or by one that does as we do.
    async fn insert(&mut self, id: Arc<str>) {
        let marker = self.shared.marker();
        let mut document = doc! { "id": &*id, "name": marker.to_string() };
        if self.random.random_bool(0.5) {
            document.insert("_id", &*id);
        }
        let sent = self.shared.clock.now();
        let outcome = match self.todos.insert_one(document).await {
            Ok(_) => Ok(written(marker, true)),
            Err(error) if is_duplicate(&error) => Ok(Outcome::Refused),
            Err(error) => Err(error),
        };
        self.record(id, sent, write(Verb::ForeignInsert, marker), outcome);
    }

    async fn delete(&mut self, id: Arc<str>) {
        let sent = self.shared.clock.now();
        let done = self.todos.delete_one(doc! { "id": &*id }).await;
        self.record(id, sent, Action::Delete { condition: Condition::None }, done.map(|_| Outcome::Absent));
    }

    async fn delete_many(&mut self, ids: &[Arc<str>; 2]) {
        let sent = self.shared.clock.now();
        let names: Vec<&str> = ids.iter().map(|id| &**id).collect();
        let done = self.todos.delete_many(doc! { "id": { "$in": names } }).await;
        let gone = done.is_ok();
        let mut ids = ids.to_vec();
        ids.dedup();
        for id in ids {
            let outcome = if gone { Outcome::Absent } else { Outcome::Unknown };
            self.record(id, sent, Action::Delete { condition: Condition::None }, Ok(outcome));
        }
    }

    fn record(&mut self, id: Arc<str>, sent: crate::history::Moment, action: Action, outcome: Result<Outcome, Error>) {
        let received = self.shared.clock.now();
        let outcome = outcome.unwrap_or(Outcome::Unknown);
        let (client, cache_status) = (self.number, "".into());
        let process = None;
        self.done.push(Operation { client, process, sent, received, id, action, outcome, status: 0, cache_status });
    }
}

fn write(verb: Verb, marker: Marker) -> Action {
    Action::Write { verb, marker, condition: Condition::None }
}

fn written(marker: Marker, found: bool) -> Outcome {
    if !found {
        return Outcome::Refused;
    }
    Outcome::Value { version: 0, marker: Some(marker), body: "".into(), created: None }
}

fn is_duplicate(error: &Error) -> bool {
    error.to_string().contains("E11000")
}

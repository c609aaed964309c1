//! `ForeignWriter`: changes todos past the service, as a shell or a script would: without versions, or with old ones.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Shared;
use crate::error::CheckError;
use crate::history::{Action, Condition, Marker, Moment, Operation, Outcome, Verb};
use crate::store::InsertAs;

pub(super) struct ForeignWriter {
    number: u32,
    shared: Arc<Shared>,
    random: ChaCha8Rng,
    done: Vec<Operation>,
}

impl ForeignWriter {
    pub(super) fn new(number: u32, shared: Arc<Shared>, random: ChaCha8Rng) -> Self {
        Self { number, shared, random, done: Vec::new() }
    }

    /// Goes on until it is told to stop.
    pub(super) async fn run(mut self) -> Vec<Operation> {
        while !self.shared.stopped() {
            let shared = Arc::clone(&self.shared);
            let writes = shared.writes.read().await;
            self.step().await;
            drop(writes);
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
            80..92 => self.delete(&[id]).await,
            _ => {
                let mut both = vec![id, Arc::clone(&self.shared.plan.foreign_ids[0])];
                both.dedup();
                self.delete(&both).await;
            }
        }
    }

    async fn update(&mut self, id: Arc<str>) {
        let (marker, sent) = (self.shared.marker(), self.shared.clock.now());
        let found = self.shared.cluster.store.update(&id, &marker.to_string()).await;
        self.record(id, sent, write(Verb::ForeignUpdate, marker), found.map(|found| written(marker, found)));
    }

    async fn replace(&mut self, id: Arc<str>) {
        let (marker, sent) = (self.shared.marker(), self.shared.clock.now());
        let found = self.shared.cluster.store.replace(&id, &marker.to_string()).await;
        self.record(id, sent, write(Verb::ForeignReplace, marker), found.map(|found| written(marker, found)));
    }

    async fn insert(&mut self, id: Arc<str>) {
        let how = if self.random.random_bool(0.5) { InsertAs::Odd } else { InsertAs::Usual };
        let (marker, sent) = (self.shared.marker(), self.shared.clock.now());
        let new = self.shared.cluster.store.insert(&id, &marker.to_string(), how).await;
        self.record(id, sent, write(Verb::ForeignInsert, marker), new.map(|new| written(marker, new)));
    }

    async fn delete(&mut self, ids: &[Arc<str>]) {
        let sent = self.shared.clock.now();
        let names: Vec<&str> = ids.iter().map(|id| &**id).collect();
        let done = self.shared.cluster.store.delete(&names).await;
        let outcome = if done.is_ok() { Outcome::Absent } else { Outcome::Unknown };
        for id in ids {
            self.record(id.clone(), sent, Action::Delete { condition: Condition::None }, Ok(outcome.clone()));
        }
    }

    fn record(&mut self, id: Arc<str>, sent: Moment, action: Action, outcome: Result<Outcome, CheckError>) {
        let outcome = outcome.unwrap_or(Outcome::Unknown);
        self.done.push(operation(&self.shared, self.number, id, sent, action, outcome));
    }
}

/// What has just been done past the service.
pub(super) fn operation(
    shared: &Shared,
    client: u32,
    id: Arc<str>,
    sent: Moment,
    action: Action,
    outcome: Outcome,
) -> Operation {
    let (received, cache_status) = (shared.clock.now(), "".into());
    let operation = Operation {
        client,
        process: None,
        sent,
        received,
        id,
        action,
        outcome,
        status: 0,
        cache_status,
        problem: "".into(),
    };
    shared.count(&operation);
    operation
}

pub(super) fn write(verb: Verb, marker: Marker) -> Action {
    Action::Write { verb, marker, condition: Condition::None }
}

pub(super) fn written(marker: Marker, found: bool) -> Outcome {
    if !found {
        return Outcome::Refused;
    }
    Outcome::Value { version: 0, marker: Some(marker), body: "".into(), created: None }
}

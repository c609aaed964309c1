//! What is done to MongoDB.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::doc;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Fault;
use super::inject::{Injector, TAKE_OVER, Told};
use crate::error::CheckError;
use crate::history::{Outcome, Suspends};
use crate::store::mongo::SwapBy;

/// After an election, until nothing older than what was acknowledged may be answered: a new primary answers from before the
/// last writes until it has settled, and the engine takes back what was cached so.
const SETTLED: Duration = Duration::from_secs(2);
/// An election is under way: the old primary may not know yet, and the new one not everything.
const FAIL_OVER: [(Suspends, Duration); 2] = [(Suspends::Everything, SETTLED), (Suspends::Repairs, TAKE_OVER)];

const READS: [&str; 2] = ["find", "aggregate"];
const WRITES: [&str; 5] = ["insert", "update", "delete", "findAndModify", "commitTransaction"];
/// MongoDB's error codes: ShutdownInProgress is retried by drivers, OperationFailed is not, WriteConcernFailed tells nothing of the write.
const SHUTDOWN_IN_PROGRESS: i32 = 91;
const OPERATION_FAILED: i32 = 96;
const WRITE_CONCERN_FAILED: i32 = 64;

impl Injector {
    pub(super) async fn on_store(&self, fault: Fault, random: &mut ChaCha8Rng) -> Result<Told, CheckError> {
        let pause = Duration::from_millis(random.random_range(200..4_500));
        match fault {
            Fault::StoreSlow => {
                let ms = random.random_range(20..1_500);
                let slow = doc! { "blockConnection": true, "blockTimeMS": ms };
                let commands = [&READS[..], &WRITES[..]].concat();
                self.fail_commands(commands, 1.0, slow, pause).await?;
                let what = format!("MongoDB took {ms} ms longer for {} ms", pause.as_millis());
                Ok(Told::suspending(what, &[(Suspends::Repairs, TAKE_OVER)]))
            }
            Fault::StoreErrors => {
                let kinds = [
                    ("refused commands", doc! { "errorCode": OPERATION_FAILED }),
                    ("said it was shutting down", doc! { "errorCode": SHUTDOWN_IN_PROGRESS }),
                    ("hung up on commands", doc! { "closeConnection": true }),
                    (
                        "did not know whether writes were safe",
                        doc! { "writeConcernError": { "code": WRITE_CONCERN_FAILED, "errmsg": "a fault of the checker" } },
                    ),
                ];
                let (what, how) = kinds[random.random_range(0..kinds.len())].clone();
                let commands = if how.contains_key("writeConcernError") {
                    WRITES.to_vec()
                } else {
                    [&READS[..], &WRITES[..]].concat()
                };
                let probability = [0.1, 0.5, 1.0][random.random_range(0..3)];
                self.fail_commands(commands, probability, how, pause).await?;
                let what = format!("MongoDB {what}, {probability} of them, for {} ms", pause.as_millis());
                Ok(Told::suspending(what, &[(Suspends::Repairs, TAKE_OVER)]))
            }
            Fault::PrimaryKill => {
                let what = self.blocking(|cluster| cluster.store.mongo()?.servers.kill_primary()).await?;
                Ok(Told::suspending(what, &FAIL_OVER))
            }
            Fault::PrimaryStop => {
                let what = self.blocking(move |cluster| cluster.store.mongo()?.servers.stop_primary(pause)).await?;
                Ok(Told::suspending(what, &FAIL_OVER))
            }
            Fault::SecondariesStop => {
                let what = self.blocking(move |cluster| cluster.store.mongo()?.servers.stop_secondaries(pause)).await?;
                Ok(Told::suspending(what, &FAIL_OVER))
            }
            Fault::Swap => self.swap(random).await,
            _ => {
                let what = self.blocking(|cluster| cluster.store.mongo()?.servers.step_down()).await?;
                Ok(Told::suspending(what, &FAIL_OVER))
            }
        }
    }

    async fn fail_commands(
        &self,
        commands: Vec<&'static str>,
        probability: f64,
        how: mongodb::bson::Document,
        pause: Duration,
    ) -> Result<(), CheckError> {
        self.blocking(move |cluster| cluster.store.mongo()?.servers.fail_commands(&commands, probability, how, pause))
            .await
    }

    /// Nobody writes while the copy is made, so that it holds what was acknowledged. Todos that only the service writes are
    /// in it as they were; the others are new, without a version, or gone: each a write past the service like any other.
    async fn swap(&self, random: &mut ChaCha8Rng) -> Result<Told, CheckError> {
        let by = if random.random_bool(0.5) { SwapBy::Rename } else { SwapBy::Out };
        let stays: Vec<bool> = self.hand.foreign_ids().iter().map(|_| random.random_bool(0.8)).collect();
        let mongo = self.cluster.store.mongo()?;
        let _nobody_writes = self.hand.nobody_writes().await;
        let markers: Vec<_> = stays.iter().map(|stays| stays.then(|| self.hand.marker())).collect();
        let todos: Vec<(&str, Option<String>)> = self
            .hand
            .foreign_ids()
            .iter()
            .zip(&markers)
            .map(|(id, marker)| (&**id, marker.map(|marker| marker.to_string())))
            .collect();
        let sent = self.clock.now();
        let swapped = mongo.swap(&todos, by).await;
        let operations = self.hand.foreign_ids().iter().zip(markers).map(|(id, marker)| {
            let operation = match marker {
                Some(marker) => self.hand.replaced(Arc::clone(id), sent, marker),
                None => self.hand.deleted(Arc::clone(id), sent),
            };
            if swapped.is_err() {
                crate::history::Operation { outcome: Outcome::Unknown, ..operation }
            } else {
                operation
            }
        });
        let operations = operations.collect();
        let how = if by == SwapBy::Rename { "renameCollection" } else { "$out" };
        Ok(Told {
            operations,
            ..Told::healthy(format!("another collection took the place of the served one by {how}"))
        })
    }
}

//! `Sampler`: looks at cells while clients are at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::cluster::redis::look;
use crate::error::CheckError;
use crate::history::{CellSample, CellSeen};

const PAUSE: Duration = Duration::from_millis(2);

/// Looks at one cell after the other, until it is stopped.
pub struct Sampler {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Vec<CellSample>>,
}

impl Sampler {
    /// Begins to look at the cells of `ids`.
    pub fn start(cluster: &Arc<Cluster>, clock: &Clock, ids: Vec<Arc<str>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(run(Arc::clone(cluster), clock.clone(), ids, Arc::clone(&stop)));
        Self { stop, task }
    }

    /// What was seen.
    ///
    /// # Errors
    /// The task panicked.
    pub async fn finish(self) -> Result<Vec<CellSample>, CheckError> {
        self.stop.store(true, Ordering::Release);
        Ok(self.task.await?)
    }
}

async fn run(cluster: Arc<Cluster>, clock: Clock, ids: Vec<Arc<str>>, stop: Arc<AtomicBool>) -> Vec<CellSample> {
    let mut samples: Vec<CellSample> = Vec::new();
    let mut connection = None;
    let mut turn = 0;
    // After a failover or a move a cell is of another server, so that its version may fall.
    while !ids.is_empty() && cluster.redis.is_one() && !stop.load(Ordering::Acquire) {
        tokio::time::sleep(PAUSE).await;
        if connection.is_none() {
            connection = cluster.redis.connect_async().await.ok();
        }
        let Some(open) = &mut connection else { continue };
        let id = &ids[turn % ids.len()];
        turn += 1;
        let before = cluster.redis.incarnation();
        let Ok(cell) = look(open, id).await else {
            connection = None;
            continue;
        };
        // What was read while Redis died may be of either life.
        if before == cluster.redis.incarnation() && cell != CellSeen::Nothing {
            samples.push(CellSample { at: clock.now(), id: Arc::clone(id), incarnation: before, cell });
        }
    }
    samples
}

//! Each process looks again and again at each server of a cluster: who serves what, and from which moment on what it holds is valid.
//! A server that fails is looked at less often; the others say who takes its place.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::ClusterCache;
use super::nodes::Node;
use crate::backoff::Backoff;
use crate::clock::now_ms;
use crate::error::{CacheError, with_causes};

/// Between two looks at one server that somebody asked for.
const PAUSE: Duration = Duration::from_millis(50);
/// How often it is checked whether any server answers at all.
const CHECK: Duration = Duration::from_secs(1);
/// After so many checks in vain it is said that no server answers. Who starts the cache asks for the reason at once
/// ([`crate::CacheAside::connect_error`]), and says it with more knowledge of what to do.
const CHECKS: u32 = 5;

pub(crate) struct Members {
    cluster: ClusterCache,
    /// When a server last said who serves what.
    seen: Arc<AtomicU64>,
}

impl Members {
    pub(super) fn new(cluster: ClusterCache) -> Self {
        Self { cluster, seen: Arc::default() }
    }

    /// Looks until it is dropped.
    pub(crate) async fn run(self) {
        let (mut tasks, mut looks): (_, HashMap<u64, AbortHandle>) = (JoinSet::new(), HashMap::new());
        let (mut seeds, mut warned, mut in_vain) = (self.cluster.shared.nodes.seeds(), false, 0);
        loop {
            let nodes = &self.cluster.shared.nodes;
            let mut wanted = nodes.all();
            if !self.is_found() {
                // None of those that are known answers: perhaps the URL names others.
                if seeds.is_empty() {
                    seeds = nodes.seeds();
                }
                wanted.extend(seeds.iter().cloned());
            } else if !wanted.is_empty() {
                seeds.clear();
            }
            looks.retain(|number, look| {
                let stays = wanted.iter().any(|node| node.number == *number);
                if !stays {
                    look.abort();
                }
                stays
            });
            for node in wanted {
                looks.entry(node.number).or_insert_with(|| {
                    tasks.spawn(Look { cluster: self.cluster.clone(), node, seen: Arc::clone(&self.seen) }.run())
                });
            }
            while tasks.try_join_next().is_some() {}
            let _ = timeout(CHECK, nodes.change()).await;
            in_vain = if self.is_found() { 0 } else { in_vain + 1 };
            let is_new = nodes.all().is_empty() && in_vain < CHECKS;
            if in_vain > 0 {
                nodes.not_found();
            }
            if warned != (in_vain > 0) && !is_new {
                warned = !warned;
                report(warned);
            }
        }
    }

    /// Whether some server answered not long ago.
    fn is_found(&self) -> bool {
        let patience = self.cluster.shared.options.heartbeat_timeout * 2;
        now_ms().saturating_sub(self.seen.load(Ordering::Acquire)) < patience.as_millis() as u64
    }
}

fn report(is_lost: bool) {
    if is_lost {
        tracing::warn!("no server of the Redis Cluster says who serves what: reads go to the store until one does");
    } else {
        tracing::info!("the Redis Cluster says again who serves what");
    }
}

/// Looks at one server.
struct Look {
    cluster: ClusterCache,
    node: Arc<Node>,
    seen: Arc<AtomicU64>,
}

impl Look {
    async fn run(self) {
        let (mut backoff, mut warned) = (Backoff::new(), false);
        loop {
            let mut looked = false;
            let Err(error) = self.look_again_and_again(&mut looked).await;
            if looked {
                (backoff, warned) = (Backoff::new(), false);
            }
            let (server, error) = (&self.node.address, with_causes(&error));
            // While none is known it is one reason for all of them.
            if warned || self.cluster.shared.nodes.all().is_empty() {
                tracing::debug!(server, error, "a server of the Redis Cluster does not say who serves what");
            } else {
                tracing::warn!(server, error, "a server of the Redis Cluster does not say who serves what");
                warned = true;
            }
            backoff.pause().await;
        }
    }

    async fn look_again_and_again(&self, looked: &mut bool) -> Result<std::convert::Infallible, CacheError> {
        let (options, shared) = (&self.cluster.shared.options, &self.node.cache.shared);
        let mut ticks = interval(options.heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let failed = |error| CacheError::Redis(Arc::new(error));
        let connected = shared.endpoint.connect(options.heartbeat_timeout).await;
        let (mut connection, _) = connected.map_err(CacheError::Connect)?;
        loop {
            let view = shared.incarnation.look_again(&mut connection).await.map_err(failed)?;
            // A replica, or a server without slots, may be behind.
            if let Some(view) = view
                && (view.has_own() || self.cluster.shared.nodes.all().is_empty())
            {
                self.seen.store(now_ms(), Ordering::Release);
                self.cluster.shared.nodes.learn(&view, &self.node);
            }
            *looked = true;
            self.settle().await;
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.node.to_be_looked_at() => sleep(PAUSE).await,
            }
        }
    }

    /// Tells the server that what it holds is invalid, if it was not told when that happened.
    async fn settle(&self) {
        let (timeline, owed) = (self.node.cache.timeline(), self.node.cache.timeline().owed());
        if owed != 0 && self.cluster.invalidate_part(&self.node).await.is_ok() {
            timeline.settle(owed);
        }
    }
}

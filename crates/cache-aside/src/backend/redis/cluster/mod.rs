//! The cache in a Redis Cluster: several servers, each served as a single one is, and who serves which slot.
//!
//! A cell is dated and judged by the server that answered, so what happens to one server costs only its slots. A slot that is
//! on its way to another server is neither read nor filled there; what must not be answered any more is removed wherever it is.

mod control;
mod members;
mod nodes;
mod removal;
mod routes;
mod slots;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use futures::future::join_all;

use self::members::Members;
use self::nodes::Node;
pub(crate) use self::nodes::Nodes;
use self::routes::{Route, Routes};
use super::super::waiters::{Waiters, Waiting};
use super::subscription::{Announced, Subscription};
use super::{RedisCache, keys::Keys};
use crate::cell::Seen;
use crate::error::CacheError;
use crate::identity::Identity;
use crate::inspect::InspectedEntry;
use crate::l1::L1;
use crate::options::Options;
use crate::peers::Peers;
use crate::put::{LoadStart, Put, Token};
use crate::rules::{LeaseResult, PutResult};
use crate::slot::Slot;
use crate::timeline::Found;
use crate::validity::{Cause, Validity};

/// How often one command follows a slot to where it is said to have gone.
const REDIRECTS: usize = 5;

/// One worker's access to the cluster. Clones share its connections.
#[derive(Clone)]
pub(crate) struct ClusterCache {
    shared: Arc<Shared>,
    /// This worker's.
    routes: Arc<Routes>,
}

struct Shared {
    nodes: Nodes,
    keys: Keys,
    options: Options,
    validity: Arc<Validity>,
    identity: Option<Identity>,
    waiters: Waiters,
    peers: Peers,
}

impl ClusterCache {
    pub(crate) fn new(
        nodes: Nodes,
        prefix: &str,
        options: &Options,
        validity: Arc<Validity>,
        identity: Option<Identity>,
    ) -> Self {
        let (keys, waiters, peers) = (Keys::new(prefix, 0), nodes.waiters().clone(), Peers::default());
        let shared = Shared { nodes, keys, options: options.clone(), validity, identity, waiters, peers };
        Self { shared: Arc::new(shared), routes: Arc::default() }
    }

    /// The same cache over connections of its own.
    pub(crate) fn per_worker(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), routes: Arc::default() }
    }

    /// What this process receives from the others; `l1` is told of invalidations.
    pub(crate) fn subscription(&self, l1: Option<Arc<L1>>) -> Subscription {
        let Shared { keys, options, validity, identity, waiters, peers, .. } = &*self.shared;
        Subscription {
            announced: Announced::ByCluster(self.clone()),
            keys: keys.clone(),
            options: options.clone(),
            validity: Arc::clone(validity),
            identity: identity.clone(),
            other_store: Mutex::default(),
            waiters: waiters.clone(),
            peers: peers.clone(),
            l1,
        }
    }

    /// What this process looks at again and again: who serves what, and the clock and the moment of each server.
    pub(crate) fn members(&self) -> Members {
        Members::new(self.per_worker())
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Option<Found>, CacheError> {
        self.at(Slot::of_id(id), |at| async move { at.cache.get(id).await }).await
    }

    /// The cells of many ids: one round trip to each server, all at one time. What a server does not answer is missing.
    pub(crate) async fn get_many(&self, ids: &[&str]) -> Result<Vec<Option<Found>>, CacheError> {
        let mut groups: HashMap<u64, (Arc<Route>, Vec<usize>)> = HashMap::new();
        for (at, id) in ids.iter().enumerate() {
            if let Ok(route) = self.route(Slot::of_id(id)).await {
                groups.entry(route.number).or_insert_with(|| (route, Vec::new())).1.push(at);
            }
        }
        let asked = groups.into_values().map(|(route, places)| async move {
            let ids: Vec<&str> = places.iter().map(|at| ids[*at]).collect();
            let found = route.cache.get_each(&ids).await;
            (places, found)
        });
        let (mut cells, mut moved) = (vec![None; ids.len()], Vec::new());
        for (places, found) in join_all(asked).await {
            match found {
                Ok(found) => {
                    for (at, found) in places.into_iter().zip(found) {
                        match found {
                            Ok(found) => cells[at] = found,
                            Err(_) => moved.push(at),
                        }
                    }
                }
                Err(_) => self.shared.nodes.look_around(),
            }
        }
        let again = join_all(moved.iter().map(|at| self.get(ids[*at]))).await;
        for (at, found) in moved.into_iter().zip(again) {
            cells[at] = found.unwrap_or(None);
        }
        Ok(cells)
    }

    /// The cell and who is in the lease.
    pub(crate) async fn inspect(&self, id: &str) -> Result<(Option<Found>, Vec<InspectedEntry>), CacheError> {
        self.at(Slot::of_id(id), |at| async move { at.cache.inspect(id).await }).await
    }

    pub(crate) async fn try_lease(&self, id: &str, token: Token, seen: Seen) -> Result<LeaseResult, CacheError> {
        self.at(Slot::of_id(id), |at| async move { at.cache.try_lease(id, token, seen).await }).await
    }

    pub(crate) fn wait(&self, id: &str) -> Waiting {
        self.shared.waiters.enter(id)
    }

    pub(crate) async fn take_lease(&self, id: &str, token: Token) -> Result<(), CacheError> {
        self.at(Slot::of_id(id), |at| async move { at.cache.take_lease(id, token).await }).await
    }

    pub(crate) async fn release(&self, id: &str, token: Token) -> Result<(), CacheError> {
        self.at(Slot::of_id(id), |at| async move { at.cache.release(id, token).await }).await
    }

    pub(crate) async fn put(&self, id: &str, token: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        match self.at(Slot::of_id(id), |at| async move { at.cache.put(id, token, put).await }).await {
            Err(error) if is_on_its_way(&error) => self.remove_apart(id).await.map(|()| PutResult::Raised),
            done => done,
        }
    }

    /// Raises the floor to `version`.
    pub(crate) async fn invalidate(&self, id: &str, version: u64) -> Result<(), CacheError> {
        match self.at(Slot::of_id(id), |at| async move { at.cache.invalidate(id, version).await }).await {
            Err(error) if is_on_its_way(&error) => self.remove_apart(id).await,
            done => done,
        }
    }

    /// Removes the cell and the lease of the id.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), CacheError> {
        match self.at(Slot::of_id(id), |at| async move { at.cache.remove(id).await }).await {
            Err(error) if is_on_its_way(&error) => self.remove_apart(id).await,
            done => done,
        }
    }

    pub(crate) fn is_fill_valid(&self, id: &str, start: LoadStart) -> bool {
        let owner = self.shared.nodes.owner(Slot::of_id(id));
        owner.is_some_and(|node| node.cache.timeline().is_fill_valid(id, start))
    }

    /// Of every server that is known.
    pub(crate) fn are_fills_valid(&self) -> bool {
        let nodes = self.shared.nodes.all();
        !nodes.is_empty() && nodes.iter().all(|node| node.cache.timeline().are_fills_valid())
    }

    pub(crate) fn valid_after_ms(&self) -> u64 {
        self.shared.nodes.all().iter().map(|node| node.cache.timeline().valid_after_ms()).max().unwrap_or_default()
    }

    /// This process answers nothing that is cached now by the server of this id.
    pub(crate) fn invalidate_here(&self, id: &str) {
        match self.shared.nodes.owner(Slot::of_id(id)) {
            Some(node) => node.cache.timeline().invalidate_until_now(Cause::Bypass),
            None => {
                self.shared
                    .nodes
                    .all()
                    .iter()
                    .for_each(|node| node.cache.timeline().invalidate_until_now(Cause::Bypass));
            }
        }
    }

    /// Runs a command where the slot is, and follows it where it has gone, also while the answer was on its way.
    async fn at<T, F>(&self, slot: Slot, command: impl Fn(Arc<Route>) -> F) -> Result<T, CacheError>
    where
        F: Future<Output = Result<T, CacheError>>,
    {
        let mut redirects = 0;
        loop {
            let changes = self.shared.nodes.changes();
            let at = self.route(slot).await?;
            let error = match command(Arc::clone(&at)).await {
                // The server that did it may have been replaced meanwhile: the other one has not heard of it.
                Ok(_) if redirects < REDIRECTS && self.has_left(slot, &at, changes) => {
                    redirects += 1;
                    continue;
                }
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match moved_to(&error) {
                Some(address) if redirects < REDIRECTS => {
                    redirects += 1;
                    self.shared.nodes.moved(slot, address, &at.address);
                }
                _ => {
                    if error.is_outage() {
                        self.shared.nodes.look_around();
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Whether the slot is known to be elsewhere, as it was not when there were so many changes.
    #[inline]
    fn has_left(&self, slot: Slot, from: &Route, changes: u64) -> bool {
        let nodes = &self.shared.nodes;
        nodes.changes() != changes && nodes.owner(slot).is_some_and(|now| now.number != from.number)
    }

    /// To the server that serves the slot; waits until it is known who serves what.
    async fn route(&self, slot: Slot) -> Result<Arc<Route>, CacheError> {
        let nodes = &self.shared.nodes;
        if let Some(route) = self.routes.to(nodes, slot) {
            return Ok(route);
        }
        nodes.wait_until_sought(self.shared.options.redis_timeout).await;
        self.routes.to(nodes, slot).ok_or(CacheError::Unserved)
    }

    /// This worker's access to the server.
    fn worker(&self, node: &Arc<Node>) -> RedisCache {
        self.routes.cache(node)
    }
}

/// Where the slot is, says a server that does not have it any more.
fn moved_to(error: &CacheError) -> Option<&str> {
    redirect(error, "MOVED")
}

/// Where the key is or would be, says a server whose slot is on its way there.
fn ask_at(error: &CacheError) -> Option<&str> {
    redirect(error, "ASK")
}

fn redirect<'a>(error: &'a CacheError, code: &str) -> Option<&'a str> {
    let CacheError::Redis(error) = error else { return None };
    (error.code() == Some(code)).then(|| error.redirect_node().map(|(address, _)| address)).flatten()
}

/// Whether the slot is on its way from one server to another, so that no script finds all of its keys together.
fn is_on_its_way(error: &CacheError) -> bool {
    matches!(error, CacheError::Redis(error) if matches!(error.code(), Some("ASK" | "TRYAGAIN")))
}

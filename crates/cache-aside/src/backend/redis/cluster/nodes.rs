//! `Nodes`: the servers of a cluster that have slots, and which of them has which.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::super::super::waiters::Waiters;
use super::super::incarnation::Place;
use super::super::topology::{Clocks, Part, View};
use super::super::{Endpoint, RedisCache, Server};
use super::slots::Topology;
use crate::access_files::AccessFiles;
use crate::breaker::{Breaker, Guarded};
use crate::clock::Clock;
use crate::cluster_url::ClusterUrl;
use crate::options::Options;
use crate::redis_url::{Address, SERVER_PORT};
use crate::slot::{SLOTS, Slot};
use crate::timeline::Timeline;
use crate::validity::Validity;

/// One server.
pub(super) struct Node {
    /// No other has it, also not one that comes to the same address later.
    pub(super) number: u64,
    pub(super) address: String,
    pub(super) cache: RedisCache,
    pub(super) part: Arc<Part>,
    look: Notify,
}

impl Node {
    /// It is looked at now, not only at the next heartbeat.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }

    /// Returns when it is to be looked at now.
    pub(super) async fn to_be_looked_at(&self) {
        self.look.notified().await;
    }
}

/// All servers of a cluster.
pub(crate) struct Nodes {
    url: ClusterUrl,
    files: AccessFiles,
    prefix: String,
    options: Options,
    validity: Arc<Validity>,
    waiters: Waiters,
    clocks: Arc<Clocks>,
    topology: RwLock<Arc<Topology>>,
    /// Every server that somebody has a handle of, by its address.
    known: Mutex<HashMap<Address, Weak<Node>>>,
    made: AtomicU64,
    /// How often other servers had slots than before.
    changes: AtomicU64,
    turn: AtomicUsize,
    /// Whether the cluster was sought, successfully or in vain.
    sought: watch::Sender<bool>,
    changed: Notify,
}

impl Nodes {
    /// The URL names some of the servers; they say where all are.
    pub(crate) fn new(
        url: &ClusterUrl,
        files: &AccessFiles,
        prefix: &str,
        options: &Options,
        validity: &Arc<Validity>,
    ) -> Self {
        Self {
            url: url.clone(),
            files: files.clone(),
            prefix: prefix.to_owned(),
            options: options.clone(),
            validity: Arc::clone(validity),
            waiters: Waiters::default(),
            clocks: Arc::default(),
            topology: RwLock::new(Arc::new(Topology::empty())),
            known: Mutex::default(),
            made: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
            sought: watch::Sender::new(false),
            changed: Notify::new(),
        }
    }

    /// Where requests wait for what happens on any of the servers.
    pub(super) fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    #[inline]
    pub(super) fn owner(&self, slot: Slot) -> Option<Arc<Node>> {
        self.topology.read().unwrap_or_else(PoisonError::into_inner).owner(slot).cloned()
    }

    /// Which number of what is known about who serves what it is.
    #[inline]
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Those that have slots.
    pub(super) fn all(&self) -> Vec<Arc<Node>> {
        self.topology().nodes().to_vec()
    }

    /// Those that the URL names.
    pub(super) fn seeds(&self) -> Vec<Arc<Node>> {
        self.url.addresses.iter().map(|seed| self.node(seed)).collect()
    }

    pub(super) fn all_or_seeds(&self) -> Vec<Arc<Node>> {
        let all = self.all();
        if all.is_empty() { self.seeds() } else { all }
    }

    /// Another one each time.
    pub(super) fn next(&self) -> Option<Arc<Node>> {
        let (nodes, turn) = (self.all(), self.turn.fetch_add(1, Ordering::Relaxed));
        let at = turn.checked_rem(nodes.len())?;
        nodes.into_iter().nth(at)
    }

    /// A server, at the address `by`, said where the slot is: at this address, or, without a host, at another port of its own.
    pub(super) fn moved(&self, slot: Slot, address: &str, by: &str) {
        let Some(node) = self.at(address, Some(by)) else { return };
        // All that were under way say so: the first of them is enough.
        if self.owner(slot).is_none_or(|owner| owner.number != node.number) {
            self.install(|current| {
                let mut next = current.draft();
                next.assign(slot.number()..=slot.number(), &node);
                next.finish()
            });
        }
        // What of it is valid there, says itself.
        node.look();
    }

    /// A server said who serves what.
    pub(super) fn learn(&self, view: &View, by: &Node) {
        let mut next = Topology::empty().draft();
        for range in &view.ranges {
            let (host, port) = &range.address;
            let host = if host.is_empty() || host == "?" { host_of(&by.address) } else { host };
            let Some(node) = self.at(&bracketed(host, *port), None) else { continue };
            next.assign(range.first..=range.last, &node);
        }
        self.install(|_| next.finish());
        self.sought.send_replace(true);
    }

    /// The cluster was sought in vain.
    pub(super) fn not_found(&self) {
        self.sought.send_replace(true);
    }

    pub(super) async fn wait_until_sought(&self, patience: Duration) {
        if !*self.sought.borrow() {
            let mut sought = self.sought.subscribe();
            let _ = tokio::time::timeout(patience, sought.wait_for(|sought| *sought)).await;
        }
    }

    /// Returns when other servers have slots than before.
    pub(super) async fn change(&self) {
        self.changed.notified().await;
    }

    /// Something fails: whoever may know why is asked now.
    pub(super) fn look_around(&self) {
        self.topology().nodes().iter().for_each(|node| node.look());
    }

    /// The server at this address, `HOST:PORT`; without a host at another port of `by`. `None` if it is no address.
    pub(super) fn at(&self, at: &str, by: Option<&str>) -> Option<Arc<Node>> {
        let (host, port) = at.rsplit_once(':')?;
        let host = if host.is_empty() { host_of(by?) } else { host };
        let at = Address::read(&bracketed(host, port.parse().ok()?), SERVER_PORT)?;
        Some(self.node(&at))
    }

    /// The server at this address.
    fn node(&self, at: &Address) -> Arc<Node> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = known.get(at).and_then(Weak::upgrade) {
            return node;
        }
        let node = Arc::new(self.make(at));
        known.retain(|_, node| node.strong_count() > 0);
        known.insert(at.clone(), Arc::downgrade(&node));
        node
    }

    fn make(&self, at: &Address) -> Node {
        let Self { url, files, prefix, options, validity, waiters, clocks, .. } = self;
        let (address, endpoint) =
            (at.to_string(), Endpoint::new(&url.server(at.clone()), files, options.connect_timeout));
        let timeline = Arc::new(Timeline::of_part(Clock::of_redis(), Arc::clone(validity)));
        let part = Arc::new(Part::new(address.clone(), Arc::clone(clocks), options.longest_kept().as_millis() as u64));
        let (guarded, events) = (Guarded::Part(address.clone()), Arc::clone(validity.events()));
        let breaker = Breaker::new(guarded, options.breaker_failures, options.breaker_pause, events);
        let place = Place::Part(Arc::clone(&part));
        let server = Server { endpoint, timeline: Arc::clone(&timeline), place, breaker, waiters: waiters.clone() };
        let cache = RedisCache::of(server, prefix, options, Arc::clone(validity), None);
        clocks.add(&address, &timeline);
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        Node { number, address, cache, part, look: Notify::new() }
    }

    /// What is made of the topology that is known takes its place.
    fn install(&self, next: impl FnOnce(&Topology) -> Topology) {
        let mut current = self.topology.write().unwrap_or_else(PoisonError::into_inner);
        let next = next(&current);
        if current.is_same(&next) {
            return;
        }
        // First: whoever notices it waits for the lock, and what was answered before it is followed by all below.
        self.changes.fetch_add(1, Ordering::AcqRel);
        let stays = |node: &Node| next.nodes().iter().any(|other| other.number == node.number);
        let gone: Vec<u64> = current.nodes().iter().filter(|node| !stays(node)).map(|node| node.number).collect();
        let mut lost: HashMap<u64, (Arc<Node>, Vec<Slot>)> = HashMap::new();
        let owners = current.owners_of_all().zip(next.owners_of_all());
        for (slot, (before, now)) in (0..SLOTS).filter_map(Slot::numbered).zip(owners) {
            let Some(before) = before else { continue };
            if now.is_some_and(|now| now.number == before.number) {
                continue;
            }
            lost.entry(before.number).or_insert_with(|| (Arc::clone(before), Vec::new())).1.push(slot);
            // What one server was still to be told, another is now. And one that was replaced may have taken writes of this
            // process that the other one has not heard of.
            let is_to_be_told = before.cache.timeline().owed() != 0 || gone.contains(&before.number);
            if let Some(now) = now.filter(|now| is_to_be_told && now.cache.timeline().owed() == 0) {
                now.cache.timeline().owe();
            }
        }
        for (node, slots) in lost.into_values() {
            node.part.lose(&slots, node.cache.timeline());
        }
        *current = Arc::new(next);
        drop(current);
        self.changed.notify_one();
    }

    pub(super) fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `HOST:PORT`, with brackets around an IPv6 address.
fn bracketed(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn host_of(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

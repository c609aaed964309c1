//! What processes tell each other through a cluster, besides cells: see [`super::super::control`]. Nothing of it is lost with one
//! server.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{Cmd, Value, cmd, from_redis_value};
use futures::future::join_all;

use super::super::control::Control;
use super::super::rights::MissingRight;
use super::super::{Endpoint, RedisCache};
use super::ClusterCache;
use super::nodes::Node;
use crate::connect_error::ConnectError;
use crate::engine::Health;
use crate::error::CacheError;
use crate::lead::Lead;
use crate::peers::PeerTexts;
use crate::put::Token;
use crate::slot::Slot;
use crate::stats::BreakerState;
use crate::timeline::Timeline;

/// Keys under which the lead is taken, each on another server in most cases: the next where that of one does not answer.
const LEADS: usize = 4;
/// Bits of a cursor that are the server's own; those above are the place of the server.
const CURSOR_BITS: u32 = 52;

impl ClusterCache {
    /// Some ids, of one server after the other (Redis manual, "SCAN").
    pub(crate) async fn some_ids(&self, cursor: u64) -> Result<(u64, Vec<String>), CacheError> {
        let (nodes, at) = (self.shared.nodes.all(), cursor >> CURSOR_BITS);
        let Some(node) = usize::try_from(at).ok().and_then(|at| nodes.get(at)) else { return Ok((0, Vec::new())) };
        let next = if at + 1 < nodes.len() as u64 { (at + 1) << CURSOR_BITS } else { 0 };
        match self.worker(node).some_ids(cursor & ((1 << CURSOR_BITS) - 1)).await {
            Ok((0, ids)) => Ok((next, ids)),
            Ok((cursor, ids)) => Ok((at << CURSOR_BITS | cursor, ids)),
            // The others have ids, too.
            Err(_) => Ok((next, Vec::new())),
        }
    }

    /// Claims the prefix for the store: see [`RedisCache::claim`].
    pub(crate) async fn claim(&self) -> Result<Option<String>, CacheError> {
        let Some(identity) = &self.shared.identity else { return Ok(None) };
        let (store, lead) = (self.shared.keys.store(), self.shared.keys.lead(Lead::ChangeStream));
        let mut get = cmd("GET");
        get.arg(store);
        let known: Option<String> = from_redis_value(self.command_at(store, &get).await?).unwrap_or(None);
        if known.as_ref() == Some(&identity.name) {
            return Ok(None);
        }
        if let Some(known) = known.filter(|known| !identity.is_same(known)) {
            let mut exists = cmd("EXISTS");
            exists.arg(lead);
            if self.command_at(lead, &exists).await? == Value::Int(1) {
                return Ok(Some(known));
            }
            self.invalidate_all().await?;
            tracing::warn!(
                identity = identity.name,
                "the cache was filled from another store: nothing of that is served"
            );
        }
        let mut set = cmd("SET");
        set.arg(store).arg(&identity.name);
        self.command_at(store, &set).await.map(|_| None)
    }

    async fn command_at(&self, key: &str, command: &Cmd) -> Result<Value, CacheError> {
        self.at(Slot::of(key.as_bytes()), |at| async move { at.cache.command(command).await }).await
    }

    /// Takes a lead if nobody has it, or keeps it. Where the server that has the lead is away, another
    /// one has it; two processes that lead for a moment do no harm.
    pub(crate) async fn lead(&self, lead: Lead, token: Token) -> Result<bool, CacheError> {
        let mut failed = CacheError::Unserved;
        for number in 0..LEADS {
            let key = &self.shared.keys.stand_in_lead(lead, number);
            let taken = self
                .at(Slot::of(key.as_bytes()), |at| async move { at.cache.lead_under(key, lead, token).await })
                .await;
            match taken {
                Err(error) if error.is_outage() => failed = error,
                done => return done,
            }
        }
        Err(failed)
    }

    pub(crate) async fn release_lead(&self, lead: Lead, token: Token) -> Result<(), CacheError> {
        for number in 0..LEADS {
            let key = &self.shared.keys.stand_in_lead(lead, number);
            let slot = Slot::of(key.as_bytes());
            // What is not given back ends by itself.
            let _ = self.at(slot, |at| async move { at.cache.release_lead_under(key, token).await }).await;
        }
        Ok(())
    }

    /// Tells every process that the change stream is live, and how far it is behind.
    pub(crate) async fn send_heartbeat(&self, lag: Duration) -> Result<(), CacheError> {
        self.announce(&Control::heartbeat(lag, 0, self.shared.identity.as_ref())).await
    }

    /// Tells every process a text about this one.
    pub(crate) async fn tell_peers(&self, text: &str) -> Result<(), CacheError> {
        self.announce(&Control::Peer { text: text.to_owned() }).await
    }

    /// What other processes tell from now on.
    pub(crate) fn peer_texts(&self) -> PeerTexts {
        self.shared.peers.texts()
    }

    /// By whichever server takes it: each passes it on to all.
    async fn announce(&self, control: &Control) -> Result<(), CacheError> {
        self.shared.nodes.wait_until_sought(self.shared.options.redis_timeout).await;
        let mut failed = CacheError::Unserved;
        for node in self.shared.nodes.all() {
            match self.worker(&node).announce(control).await {
                Ok(()) => return Ok(()),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// No cell whose load began before now is valid any more, in any process; the moment as the last of the servers made it. One
    /// that does not take it is told when it does, and until then this process answers nothing of it.
    pub(crate) async fn invalidate_all(&self) -> Result<u64, CacheError> {
        let nodes = self.shared.nodes.all();
        let moments = join_all(nodes.iter().map(|node| self.invalidate_part(node))).await;
        let (mut latest, mut failed) = (None, CacheError::Unserved);
        for (node, moment) in nodes.iter().zip(moments) {
            match moment {
                Ok(at_ms) => latest = latest.max(Some(at_ms)),
                Err(error) => {
                    node.cache.timeline().owe();
                    node.look();
                    failed = error;
                }
            }
        }
        latest.ok_or(failed)
    }

    /// The same of what one server holds.
    pub(super) async fn invalidate_part(&self, node: &Arc<Node>) -> Result<u64, CacheError> {
        let Some(key) = node.part.key() else { return Err(CacheError::Unserved) };
        self.worker(node).invalidate_all_under(&key, &node.part.words()).await
    }

    /// Everything that the server of this id holds is invalidated as soon as that takes it, and in this process now.
    pub(crate) fn owe(&self, id: &str) {
        let owner = self.shared.nodes.owner(Slot::of_id(id));
        for node in owner.map_or_else(|| self.shared.nodes.all(), |node| vec![node]) {
            node.cache.timeline().owe();
            node.look();
        }
    }

    /// Whether some server is still to be told that what it holds is invalid.
    pub(crate) fn owes(&self) -> bool {
        self.shared.nodes.all().iter().any(|node| node.cache.timeline().owed() != 0)
    }

    /// Asks each server whether it is there.
    pub(crate) async fn health(&self) -> Health {
        self.shared.nodes.wait_until_sought(self.shared.options.redis_timeout).await;
        let nodes = self.shared.nodes.all();
        let answers = join_all(nodes.iter().map(|node| async { self.worker(node).health().await })).await;
        let up = answers.iter().filter(|health| **health != Health::Down).count();
        let is_whole = self.shared.nodes.topology().owners_of_all().all(|owner| owner.is_some());
        match up {
            0 => Health::Down,
            _ if up < nodes.len() || !is_whole => Health::Partial,
            _ if answers.contains(&Health::ReadOnly) => Health::ReadOnly,
            _ => Health::Up,
        }
    }

    /// Why one of the servers refuses writes although it answers reads, in its own words.
    pub(crate) fn write_refusal(&self) -> Option<String> {
        self.shared.nodes.all().iter().find_map(|node| node.cache.write_refusal())
    }

    /// Why there is no connection to one of the servers, or to those that the URL names while no other is known.
    pub(crate) async fn connect_error(&self) -> Option<ConnectError> {
        let nodes = self.shared.nodes.all();
        for node in &nodes {
            if let Some(error) = self.worker(node).connect_error().await {
                return Some(error);
            }
        }
        let mut first = None;
        for seed in if nodes.is_empty() { self.shared.nodes.seeds() } else { Vec::new() } {
            let error = match seed.cache.shared.endpoint.connect(self.shared.options.connect_timeout).await {
                Err(error) => error,
                Ok((mut connection, _)) => {
                    let said = seed.part.ask(&mut connection).await.err().map(|error| error.to_string());
                    // That of every server which is of no cluster (Redis source, cluster.c).
                    said.filter(|said| said.contains("cluster support disabled"))?;
                    ConnectError::NoCluster { at: seed.address.clone() }
                }
            };
            first = first.or(Some(error));
        }
        first
    }

    /// Connections for commands that are open.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.nodes.all().iter().map(|node| node.cache.connections()).sum()
    }

    /// That of the server that is worst off.
    pub(crate) fn breaker_state(&self) -> BreakerState {
        let nodes = self.shared.nodes.all();
        let is_any = |state| nodes.iter().any(|node| node.cache.breaker_state() == state);
        [BreakerState::Open, BreakerState::HalfOpen]
            .into_iter()
            .find(|state| is_any(*state))
            .unwrap_or(BreakerState::Closed)
    }

    /// Everything that is used and not allowed, on whichever server.
    pub(crate) async fn missing_rights(&self) -> Result<Vec<MissingRight>, CacheError> {
        let (mut missing, mut asked) = (Vec::new(), Err(CacheError::Unserved));
        // Without some rights nobody says who serves what: then those that the URL names are asked.
        for node in self.shared.nodes.all_or_seeds() {
            match node.cache.missing_rights().await {
                Ok(rights) => {
                    asked = Ok(());
                    missing.extend(rights);
                }
                Err(error) => asked = asked.or(Err(error)),
            }
        }
        let mut unique: Vec<MissingRight> = Vec::new();
        for right in missing {
            if !unique.contains(&right) {
                unique.push(right);
            }
        }
        asked.map(|()| unique)
    }

    /// One of the servers, another one each time.
    pub(crate) async fn some_endpoint(&self) -> Result<Endpoint, CacheError> {
        self.shared.nodes.wait_until_sought(self.shared.options.redis_timeout).await;
        Ok(self.shared.nodes.next().ok_or(CacheError::Unserved)?.cache.shared.endpoint.clone())
    }

    /// That of the server at this address, if it is one of those that are known.
    pub(crate) fn timeline_at(&self, address: &str) -> Option<Arc<Timeline>> {
        let node = self.shared.nodes.all().into_iter().find(|node| node.address == address)?;
        Some(Arc::clone(&node.cache.shared.timeline))
    }
}

impl RedisCache {
    /// Runs one command.
    pub(super) async fn command(&self, command: &Cmd) -> Result<Value, CacheError> {
        self.run(async |mut connection| connection.send_packed_command(command).await).await
    }
}

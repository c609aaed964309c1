//! `Routes`: a worker's own copy of who serves which slot, with its connection to each server, so that a hit writes to no memory that
//! other workers write to.

use std::sync::{Arc, PoisonError, RwLock};

use super::super::RedisCache;
use super::nodes::{Node, Nodes};
use super::slots::Owners;
use crate::slot::Slot;

/// A worker's access to a server. It does not keep the server known once that has no slots.
pub(super) struct Route {
    /// Number of the server.
    pub(super) number: u64,
    pub(super) address: String,
    pub(super) cache: RedisCache,
}

/// The routes of one worker.
#[derive(Default)]
pub(super) struct Routes(RwLock<Known>);

#[derive(Default)]
struct Known {
    /// As of this change, and who has which slot then; none until somebody asks.
    owners: Option<(u64, Owners)>,
    /// To each server that has slots, in the order of the topology.
    routes: Vec<Arc<Route>>,
    /// To servers that have none, or that were asked for before the topology was.
    others: Vec<Arc<Route>>,
}

impl Routes {
    /// To the server that has the slot; `None` if nobody is known to.
    pub(super) fn to(&self, nodes: &Nodes, slot: Slot) -> Option<Arc<Route>> {
        let changes = nodes.changes();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, owners)) = &known.owners
            && *of == changes
        {
            return known.routes.get(owners.place_of(slot)).cloned();
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let topology = nodes.topology();
        let routes = topology.nodes().iter().map(|node| known.find(node).unwrap_or_else(|| Route::to(node)));
        (known.routes, known.others) = (routes.collect(), Vec::new());
        known.routes.iter().for_each(|route| route.cache.pipelining.share(known.routes.len()));
        let route = known.routes.get(topology.owners().place_of(slot)).cloned();
        // If there is a change just now, this counts as of before it, and is looked up again.
        known.owners = Some((changes, topology.owners().clone()));
        route
    }

    /// This worker's access to a server, which may have no slots.
    pub(super) fn cache(&self, node: &Node) -> RedisCache {
        if let Some(route) = self.0.read().unwrap_or_else(PoisonError::into_inner).find(node) {
            return route.cache.clone();
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let route = known.find(node).unwrap_or_else(|| {
            let route = Route::to(node);
            known.others.push(Arc::clone(&route));
            route
        });
        route.cache.clone()
    }
}

impl Route {
    fn to(node: &Node) -> Arc<Self> {
        Arc::new(Self { number: node.number, address: node.address.clone(), cache: node.cache.per_worker() })
    }
}

impl Known {
    fn find(&self, node: &Node) -> Option<Arc<Route>> {
        self.routes.iter().chain(&self.others).find(|route| route.number == node.number).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_files::AccessFiles;
    use crate::options::Options;
    use crate::validity::Validity;

    #[test]
    fn the_servers_of_a_worker_share_its_reads() {
        let url = "redis+cluster://127.0.0.1:7000".parse().expect("it is a URL of a cluster");
        let (files, validity) = (AccessFiles::default(), Arc::new(Validity::new()));
        let (nodes, routes) = (Nodes::new(&url, &files, "todo", &Options::default(), &validity), Routes::default());
        let slots = [0, 1, 2].map(|number| Slot::numbered(number).expect("there is such a slot"));
        let mut turns = Vec::new();
        for (slot, port) in slots.into_iter().zip(7000..) {
            nodes.moved(slot, &format!("127.0.0.1:{port}"), "127.0.0.1:7000");
            let route = routes.to(&nodes, slots[0]).expect("the server of the first slot is known");
            assert_eq!(route.address, "127.0.0.1:7000");
            turns.push(route.cache.pipelining.turns());
        }
        assert_eq!(turns, [2, 4, 6]);
    }
}

//! `Topology`: which server of a cluster has which slot.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::nodes::Node;
use crate::slot::{SLOTS, Slot};

/// No server is known to have the slot.
const NOBODY: u16 = u16::MAX;

/// Who serves what.
#[derive(Clone)]
pub(super) struct Topology {
    nodes: Vec<Arc<Node>>,
    owners: Owners,
}

/// For each slot the place of its server among all. Clones share it.
#[derive(Clone, PartialEq)]
pub(super) struct Owners(Arc<[u16]>);

impl Owners {
    /// Behind the last place if nobody is known to have the slot.
    #[inline]
    pub(super) fn place_of(&self, slot: Slot) -> usize {
        usize::from(self.0[slot.number()])
    }
}

impl Topology {
    pub(super) fn empty() -> Self {
        Self { nodes: Vec::new(), owners: Owners(vec![NOBODY; SLOTS].into()) }
    }

    pub(super) fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    pub(super) fn owners(&self) -> &Owners {
        &self.owners
    }

    pub(super) fn owner(&self, slot: Slot) -> Option<&Arc<Node>> {
        self.nodes.get(self.owners.place_of(slot))
    }

    /// The place of the server among all.
    pub(super) fn place(&mut self, node: &Arc<Node>) -> u16 {
        let known = self.nodes.iter().position(|known| known.number == node.number);
        let at = known.unwrap_or_else(|| {
            self.nodes.push(Arc::clone(node));
            self.nodes.len() - 1
        });
        at as u16
    }

    /// These slots are those of the server at this place. Numbers that no slot has are passed over.
    pub(super) fn assign(&mut self, slots: RangeInclusive<usize>, place: u16) {
        if let Some(owners) = Arc::make_mut(&mut self.owners.0).get_mut(slots) {
            owners.fill(place);
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.owners == other.owners
            && self.nodes.len() == other.nodes.len()
            && self.nodes.iter().zip(&other.nodes).all(|(a, b)| a.number == b.number)
    }
}

//! `Topology`: which server of a cluster has which slot.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::nodes::Node;
use crate::slot::{SLOTS, Slot};
use crate::slot_map::SlotMap;

/// No server is known to have the slot.
const NOBODY: u16 = u16::MAX;

/// Who serves what.
pub(super) struct Topology {
    nodes: Vec<Arc<Node>>,
    owners: Owners,
}

/// For each slot the place of its server among all. Clones share it.
#[derive(Clone, PartialEq)]
pub(super) struct Owners(SlotMap<u16>);

/// A [`Topology`] that is being made.
pub(super) struct Draft {
    nodes: Vec<Arc<Node>>,
    owners: Box<[u16; SLOTS]>,
}

impl Owners {
    /// Behind the last place if nobody is known to have the slot.
    #[inline]
    pub(super) fn place_of(&self, slot: Slot) -> usize {
        usize::from(self.0.get(slot))
    }
}

impl Topology {
    pub(super) fn empty() -> Self {
        Self { nodes: Vec::new(), owners: Owners(SlotMap::filled(NOBODY)) }
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

    /// Who has each slot, in their order.
    pub(super) fn owners_of_all(&self) -> impl Iterator<Item = Option<&Arc<Node>>> {
        let places = self.owners.0.values();
        (0..SLOTS).map(move |number| self.nodes.get(usize::from(places[number])))
    }

    /// To be changed, and to take the place of this one.
    pub(super) fn draft(&self) -> Draft {
        Draft { nodes: self.nodes.clone(), owners: self.owners.0.values() }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.owners == other.owners
            && self.nodes.len() == other.nodes.len()
            && self.nodes.iter().zip(&other.nodes).all(|(a, b)| a.number == b.number)
    }
}

impl Draft {
    /// These slots are those of this server. Numbers that no slot has are passed over.
    pub(super) fn assign(&mut self, slots: RangeInclusive<usize>, node: &Arc<Node>) {
        let known = self.nodes.iter().position(|known| known.number == node.number);
        let place = known.unwrap_or_else(|| {
            self.nodes.push(Arc::clone(node));
            self.nodes.len() - 1
        });
        if let Some(owners) = self.owners.get_mut(slots) {
            owners.fill(place as u16);
        }
    }

    pub(super) fn finish(self) -> Topology {
        Topology { nodes: self.nodes, owners: Owners(SlotMap::of(&self.owners)) }
    }
}

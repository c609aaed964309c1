//! `Receipt`: bulk writes are durable later than they are acknowledged, and a count must not say more than is durable.

/// Names the commit of a bulk write; see [`Store::is_durable`](crate::Store::is_durable).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt(pub(crate) u64);

impl Receipt {
    /// Of a write that was durable when it was acknowledged.
    pub(crate) const DURABLE: Self = Self(0);
}

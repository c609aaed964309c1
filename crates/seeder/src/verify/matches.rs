//! `Matches`: what a store holds, against what it should hold.

use crate::bulk_load::tally::Findings;

/// What of a store is as it should be.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    /// Those with equal contents.
    pub equal: u64,
    /// Those that are there, but otherwise.
    pub different: Findings,
    /// Those that are not there.
    pub missing: Findings,
    /// Those that should not be there.
    pub extra: Findings,
}

impl Matches {
    /// Nothing is different, missing or too many.
    pub fn all_equal(&self) -> bool {
        self.different.count == 0 && self.missing.count == 0 && self.extra.count == 0
    }

    /// Those of the store that stand for none of the file are too many.
    pub(crate) fn with_extra(mut self, documents: u64) -> Self {
        self.extra.count = documents.saturating_sub(self.equal + self.different.count);
        if self.equal > documents {
            // The file has some of them twice.
            self.missing.count += self.equal - documents;
        }
        self
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.equal += other.equal;
        self.different.merge(other.different);
        self.missing.merge(other.missing);
    }
}

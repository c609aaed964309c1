//! `Setup`: how many of whom, and which rules are switched off.

use clap::ValueEnum;

/// A rule of the protocol. Switched off, each lets a wrong read through: see `tests/it/model.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Rule {
    /// Only who has an entry in the lease stores.
    Token,
    /// Every fill and every write has a token of its own.
    TokenPerFill,
    /// A writer takes its entry in the lease before it commits.
    LeaseBeforeCommit,
    /// An entry of the lease notes what others have put since it was made.
    LeaseNotes,
    /// Absence that others saw is noted, and takes a value's place.
    AbsenceMarks,
    /// Nothing is stored below the version of the cell or the lease's floor.
    VersionTest,
    /// What is read from the store passes the put before it is answered.
    PutBeforeAnswer,
    /// Who joined when the store had been read shares the result only if it was stored.
    ShareOnlyIfStored,
    /// A version never comes twice, also over a delete.
    VersionReuse,
    /// A floor alone gives nobody the right to store. (Many would grant it: then a lease is hardly ever needed.)
    FloorGrantsNothing,
    /// L1 takes nothing whose read began before an invalidation.
    L1Record,
    /// L1 takes nothing whose read began before another one was answered, also absence or what it did not take itself.
    L1Answers,
    /// L1 is emptied when the line on which it hears of invalidations breaks.
    L1Emptied,
    /// A process drops what its L1 holds before it acknowledges its own write.
    L1OwnWrites,
    /// A write that could not take the lease drops the cell and whatever lease there is.
    DropUnleased,
    /// No cell from before the moment from which on cells are valid is answered.
    ValidAfter,
    /// Nor is a load from before that moment shared with a reader that began after it.
    ShareOnlyIfValid,
}

/// How many of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Writers; each puts or deletes once.
    pub writers: usize,
    /// Readers; each reads once.
    pub readers: usize,
    /// Losses: a cell or a lease evicted or ended, both flushed, a lease that a writer could not take, a line that broke.
    pub losses: usize,
    /// Writers that may die between commit and publish.
    pub crashes: usize,
    /// How often the collection is replaced by one that knows no versions.
    pub swaps: usize,
    /// Processes that writers and readers are dealt out to, in turn.
    pub processes: usize,
    /// Whether writers have a process of their own instead, in which nobody reads.
    pub writers_apart: bool,
    /// Whether each process has an L1.
    pub l1: bool,
    /// Whether writers commit and raise the floor (`--write-policy invalidate`), instead of publishing.
    pub invalidate: bool,
    /// Switched off.
    pub off: Vec<Rule>,
}

impl Setup {
    /// So many writers, readers and losses, one of each in a process, all rules on.
    pub fn new(writers: usize, readers: usize, losses: usize) -> Self {
        Self {
            writers,
            readers,
            losses,
            crashes: 0,
            swaps: 0,
            processes: 2,
            writers_apart: false,
            l1: false,
            invalidate: false,
            off: Vec::new(),
        }
    }

    /// With one rule switched off.
    #[must_use]
    pub fn without(mut self, rule: Rule) -> Self {
        self.off.push(rule);
        self
    }

    pub(super) fn is_off(&self, rule: Rule) -> bool {
        self.off.contains(&rule)
    }
}

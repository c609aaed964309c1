//! What is put into the cache for what the store gave, and the token that says on whose behalf. A cell is as old as the
//! access to the store that it came from.

use bytes::Bytes;

use crate::cell::{Cell, Kind, MAX_VERSION};
use crate::clock::{Clock, now_us};
use crate::failpoints::{self, Guard};
use crate::options::{Options, jittered_ms};
use crate::source::Loaded;
use crate::validity::Validity;

/// Names one holding of a lease. Random for each fill and each write: two fills of one process must not share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token([u8; 16]);

impl Token {
    pub(crate) fn random() -> Self {
        let mut text = [0; 16];
        let mut bits: u64 =
            if failpoints::is_off(Guard::TokenPerFill) { u64::from(std::process::id()) } else { rand::random() };
        for digit in &mut text {
            *digit = b"0123456789abcdef"[(bits & 15) as usize];
            bits >>= 4;
        }
        Self(text)
    }

    /// The token as Redis keeps it: sixteen hexadecimal digits.
    pub(crate) fn text(self) -> [u8; 16] {
        self.0
    }
}

/// A cell that is offered to the cache.
#[derive(Debug, Clone)]
pub(crate) struct Put {
    /// The cell: a value, or absence.
    pub(crate) cell: Cell,
    /// How long the cache keeps the cell, milliseconds.
    pub(crate) ttl_ms: u64,
}

/// The moment at which an access to the store began, on the clock of this process. The cell filled by it is as old as that
/// moment: what happened since may not be in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoadStart {
    at_us: u64,
}

impl LoadStart {
    pub(crate) fn now() -> Self {
        Self { at_us: now_us() }
    }
}

impl Put {
    /// The put for what the store answered to a load that began at `start`. Only now that moment is told by the clock of the
    /// cache: it may be another cache's than when the load began.
    pub(crate) fn of(loaded: &Loaded, start: LoadStart, options: &Options, clock: &Clock) -> Self {
        let jitter = rand::random::<f64>();
        let (kind, version, body, kept) = match loaded {
            Loaded::Value { version, body } => {
                (Kind::Value, *version, body.clone(), options.fresh_live + options.stale_if_error)
            }
            Loaded::Absent => (Kind::Absent, 0, Bytes::new(), options.absent),
        };
        let cell = Cell {
            kind,
            version: version.min(MAX_VERSION),
            filled_at_ms: clock.at_least_ms(start.at_us),
            cost_us: u32::try_from(now_us().saturating_sub(start.at_us)).unwrap_or(u32::MAX),
            body,
        };
        Self { cell, ttl_ms: jittered_ms(kept, jitter).max(1) }
    }

    /// Since when (milliseconds since 1970) a cell must have been filled for its version to be a floor to this put: the moment
    /// from which on cells are valid. One that is from before that moment itself puts an end to no floor.
    pub(crate) fn floors_since_ms(&self, validity: &Validity) -> u64 {
        let valid_after_ms = validity.valid_after_ms();
        if self.cell.filled_at_ms >= valid_after_ms { valid_after_ms } else { 0 }
    }
}

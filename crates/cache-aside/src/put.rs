//! What is put into the cache for what the store gave, and the token that says on whose behalf. A cell is as old as the
//! access to the store that it came from.

use bytes::Bytes;

use crate::cell::{Cell, Kind, MAX_VERSION};
use crate::clock::now_us;
use crate::failpoints::{self, Guard};
use crate::options::{Options, jittered_ms};
use crate::source::Loaded;
use crate::timeline::Timeline;

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
    /// The cell: a value, or absence. It is dated only when it is given to a server.
    pub(crate) cell: Cell,
    /// When the load or the write began that it is of.
    pub(crate) start: LoadStart,
    /// How long the cache keeps the cell, milliseconds.
    pub(crate) ttl_ms: u64,
}

/// The moment at which an access to the store began, on the clock of this process. The cell filled by it is as old as that
/// moment: what happened since may not be in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoadStart {
    pub(crate) at_us: u64,
}

impl LoadStart {
    pub(crate) fn now() -> Self {
        Self { at_us: now_us() }
    }
}

impl Put {
    /// The put for what the store answered to a load that began at `start`.
    pub(crate) fn of(loaded: &Loaded, start: LoadStart, options: &Options) -> Self {
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
            filled_at_ms: 0,
            cost_us: u32::try_from(now_us().saturating_sub(start.at_us)).unwrap_or(u32::MAX),
            body,
        };
        Self { cell, start, ttl_ms: jittered_ms(kept, jitter).max(1) }
    }

    /// The cell as one server is given it. Only now its moment is told by the clock of the cache: it may be another cache's than
    /// when the load began.
    pub(crate) fn dated(&self, timeline: &Timeline) -> Cell {
        Cell { filled_at_ms: timeline.date(self.start), ..self.cell.clone() }
    }
}

//! `Freshness`: whether a cell answers now, answers and is refreshed behind the answer, or does not answer (RFC 9111 §4.2);
//! and what a value that does not answer is kept for (RFC 5861 §4). Being busy is no reason for a value that may be wrong.

use crate::cell::{Cell, Kind};
use crate::error::ReadError;
use crate::options::{Options, jittered_ms};
use crate::outcome::{Answer, Detail, Entry, Outcome};
use crate::source::Source;
use crate::timeline::Found;
use crate::validity::Validity;

/// What a cell is good for.
pub(crate) enum Freshness {
    /// It answers.
    Fresh(Answer),
    /// It answers, and it is time for a refresh.
    RefreshDue(Answer),
    /// It does not answer; perhaps its value serves when the store does not.
    Expired(Option<Kept>),
}

/// A value that does not answer by itself any more, and when it serves all the same.
#[derive(Debug, Clone)]
pub(crate) enum Kept {
    /// Valid, and only past its time: serves whenever the store gives no answer, or not soon. A full queue is no reason to
    /// fail such a read (RFC 5861 §4): nothing says that the value is not the store's.
    Aged(Answer),
    /// Filled before the validity moment, so that what was written since may be missing in it: serves only while the store
    /// itself is away.
    Invalid(Answer),
}

impl Kept {
    /// The value as an answer of its own kind, whichever it is.
    pub(crate) fn into_answer(self) -> Answer {
        let (Self::Aged(answer) | Self::Invalid(answer)) = self;
        Answer { outcome: Outcome::Stale, detail: Some(Detail::StaleIfError), ..answer }
    }

    /// Whether it may be answered in the place of this error.
    pub(crate) fn serves_for<S: Source>(&self, error: &ReadError<S::Error>) -> bool {
        match self {
            Self::Aged(_) => error.is_failed_load(),
            Self::Invalid(_) => error.is_outage::<S>(),
        }
    }
}

pub(crate) fn evaluate(found: Found, options: &Options, validity: &Validity) -> Freshness {
    let valid = found.is_valid();
    let Found { cell, now, .. } = found;
    let fresh = match cell.kind {
        Kind::Value if validity.is_live(now.local_ms) => options.fresh,
        Kind::Value => options.fresh.min(options.fresh_without_stream),
        Kind::Absent => options.absent,
        Kind::Tombstone => return Freshness::Expired(None),
    };
    let age_ms = now.ms.saturating_sub(cell.filled_at_ms);
    let ttl_ms = jittered_ms(fresh, spread(&cell)) as i64 - age_ms as i64;
    let due = is_due(&cell, ttl_ms, options.early_refresh_beta);
    let kind = cell.kind;
    let mut answer = Answer { entry: None, outcome: Outcome::Absent, detail: None, ttl_ms };
    if kind == Kind::Value {
        answer.outcome = if ttl_ms > 0 { Outcome::Hit } else { Outcome::Stale };
        answer.entry = Some(Entry { version: cell.version, body: cell.body });
    }
    match ttl_ms {
        _ if !valid => Freshness::Expired((kind == Kind::Value).then_some(Kept::Invalid(answer))),
        1.. if !due => Freshness::Fresh(answer),
        1.. => Freshness::RefreshDue(answer),
        _ if kind == Kind::Absent => Freshness::Expired(None),
        _ if -ttl_ms <= options.stale_while_revalidate.as_millis() as i64 => Freshness::RefreshDue(answer),
        _ => Freshness::Expired(Some(Kept::Aged(answer))),
    }
}

/// XFetch: the nearer the end and the dearer the fill, the likelier a refresh before the end.
fn is_due(cell: &Cell, ttl_ms: i64, beta: f64) -> bool {
    let cost_ms = f64::from(cell.cost_us) / 1_000.0 * beta;
    // ln of the smallest positive f64 draw is about -37: most hits need no draw.
    ttl_ms as f64 <= cost_ms * 37.0 && -cost_ms * (1.0 - rand::random::<f64>()).ln() >= ttl_ms as f64
}

/// Where in the jitter a cell lies, 0..1: drawn from the cell, so that all nodes agree.
fn spread(cell: &Cell) -> f64 {
    let mixed = (cell.filled_at_ms ^ cell.version.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as f64 / (1u64 << 24) as f64
}

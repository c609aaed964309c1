//! `Freshness`: whether a cell answers now, answers and is refreshed behind the answer, or does not answer (RFC 9111 §4.2);
//! and what a value that does not answer is kept for (RFC 5861 §4). Being busy is no reason for a value that may be wrong.

use std::time::Duration;

use crate::cell::{Cell, Kind};
use crate::error::ReadError;
use crate::options::{Options, jittered_ms};
use crate::outcome::{Answer, Detail, Entry, Outcome};
use crate::source::Source;
use crate::timeline::Found;
use crate::validity::{Stream, Validity};

/// What a cell is good for.
pub(crate) enum Freshness {
    /// It answers.
    Fresh(Answer),
    /// It answers, and it is time for a refresh.
    RefreshDue(Answer),
    /// It does not answer; perhaps its value serves when the store does not.
    Expired(Option<Kept>),
}

impl Freshness {
    /// In one word, for those who trace a read.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Fresh(answer) | Self::RefreshDue(answer) => answer.outcome.as_str(),
            Self::Expired(_) => "expired",
        }
    }
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

/// How long a value is fresh that is loaded now.
pub(crate) fn fresh_now(options: &Options, stream: Stream) -> Duration {
    match stream {
        Stream::None => options.fresh,
        Stream::Live => options.fresh_live,
        Stream::Silent { .. } => options.fresh.min(options.fresh_without_stream),
    }
}

pub(crate) fn evaluate(found: Found, options: &Options, validity: &Validity) -> Freshness {
    let valid = found.is_valid();
    let Found { cell, now, .. } = found;
    let age_ms = now.ms.saturating_sub(cell.filled_at_ms);
    let left_ms = |fresh, age_ms| jittered_ms(fresh, spread(&cell)) as i64 - age_ms as i64;
    let ttl_ms = match cell.kind {
        Kind::Value => match validity.stream(now.local_ms) {
            Stream::None => left_ms(options.fresh, age_ms),
            Stream::Live => left_ms(options.fresh_live, age_ms),
            // What it has told of until it fell silent is as good as loaded then: not all values end at once when it does.
            Stream::Silent { for_ms } => left_ms(options.fresh_live, age_ms)
                .min(left_ms(options.fresh.min(options.fresh_without_stream), age_ms.min(for_ms))),
        },
        Kind::Absent => left_ms(options.absent, age_ms),
        Kind::Tombstone => return Freshness::Expired(None),
    };
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::clock::Now;

    const HOUR_MS: u64 = 3_600_000;
    const SECOND: Duration = Duration::from_secs(1);

    /// A stream that was heard of last at this moment, with no lag.
    fn heard_at(ms: u64) -> Validity {
        let validity = Validity::new();
        validity.expect_heartbeats();
        validity.on_heartbeat(Duration::ZERO, SECOND, ms, SECOND);
        validity
    }

    fn value(filled_at_ms: u64) -> Cell {
        Cell { kind: Kind::Value, version: 1, filled_at_ms, cost_us: 0, body: Bytes::new() }
    }

    /// What a value that was filled at the hour is, so many seconds later, by the clock of this process and of the cache.
    fn after(seconds: u64, validity: &Validity) -> Freshness {
        let now_ms = HOUR_MS + seconds * 1_000;
        let now = Now { ms: now_ms, local_ms: now_ms };
        evaluate(Found { cell: value(HOUR_MS), now, valid_after_ms: 0 }, &Options::default(), validity)
    }

    fn is_fresh(freshness: &Freshness) -> bool {
        matches!(freshness, Freshness::Fresh(answer) if answer.ttl_ms > 0)
    }

    fn is_stale(freshness: &Freshness) -> bool {
        matches!(freshness, Freshness::RefreshDue(answer) if answer.outcome == Outcome::Stale)
    }

    fn is_expired(freshness: &Freshness) -> bool {
        matches!(freshness, Freshness::Expired(Some(Kept::Aged(_))))
    }

    #[test]
    fn a_value_is_fresh_for_ten_minutes_while_the_stream_is_live_and_for_one_without_it() {
        let live = |seconds: u64| after(seconds, &heard_at(HOUR_MS + seconds * 1_000));
        assert!(is_fresh(&live(1)) && is_fresh(&live(535)));
        assert!(!is_fresh(&live(665)) && is_expired(&live(700)));
        let none = Validity::new();
        assert!(is_fresh(&after(50, &none)));
        assert!(!is_fresh(&after(70, &none)) && is_expired(&after(80, &none)));
    }

    #[test]
    fn when_the_stream_falls_silent_values_are_refreshed_behind_their_answers_and_in_time() {
        let silent = heard_at(HOUR_MS + 300_000);
        // Fresh for 5 s and answered for 10 s more, from when all that was written had been told.
        assert!(is_fresh(&after(304, &silent)));
        for seconds in [306, 310, 314] {
            assert!(is_stale(&after(seconds, &silent)), "{seconds}");
        }
        assert!(is_expired(&after(316, &silent)), "what was written meanwhile may be missing");
        // One that was loaded since then is as old as it is.
        let before = heard_at(HOUR_MS - 100_000);
        assert!(is_fresh(&after(4, &before)) && is_stale(&after(10, &before)) && is_expired(&after(16, &before)));
    }

    #[test]
    fn a_silent_stream_makes_no_value_fresh_for_longer() {
        let silent = heard_at(HOUR_MS + 650_000);
        assert!(!is_fresh(&after(661, &silent)));
        let never = Validity::new();
        never.expect_heartbeats();
        assert!(is_expired(&after(20, &never)), "nothing was ever told");
    }
}

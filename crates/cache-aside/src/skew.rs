//! What the log says of clocks that are apart: once, and again when that has changed.

use std::time::Duration;

/// A wall clock that is off by more is worth a line in the log; so is a change by more.
const NOTABLE: Duration = Duration::from_secs(1);

/// Says that the clock of Redis was set.
pub(crate) fn report_step(step_ms: i64) {
    if step_ms.unsigned_abs() > NOTABLE.as_millis() as u64 {
        tracing::warn!(
            "the clock of Redis was set to {} of what it was: what was filled before may be read from the store again",
            ahead_or_behind(step_ms)
        );
    }
}

/// Says by how much the node's wall clock is off, once and when that has changed; what was said.
pub(crate) fn report_skew(skew_ms: i64, reported_ms: Option<i64>) -> Option<i64> {
    let notable_ms = NOTABLE.as_millis() as u64;
    let changed = reported_ms.is_none_or(|reported_ms| reported_ms.abs_diff(skew_ms) > notable_ms);
    match (skew_ms.unsigned_abs() > notable_ms, reported_ms) {
        (true, _) if changed => tracing::warn!(
            "the clock of this node is {} of that of Redis: no answer depends on it, but the times in this log do",
            ahead_or_behind(skew_ms)
        ),
        (true, _) => return reported_ms,
        (false, Some(_)) => tracing::info!("the clock of this node agrees with that of Redis again"),
        (false, None) => return None,
    }
    (skew_ms.unsigned_abs() > notable_ms).then_some(skew_ms)
}

fn ahead_or_behind(ms: i64) -> String {
    let seconds = ms.unsigned_abs() as f64 / 1_000.0;
    if ms > 0 { format!("{seconds:.1} s ahead") } else { format!("{seconds:.1} s behind") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skewed_node_is_reported_once_and_when_it_changes() {
        let mut reported = None;
        let said = [5, 301_000, 301_400, 300_200, -20_000, -20_900, 400, 0].map(|skew_ms| {
            reported = report_skew(skew_ms, reported);
            reported
        });
        let (ahead, behind) = (Some(301_000), Some(-20_000));
        assert_eq!(said, [None, ahead, ahead, ahead, behind, behind, None, None]);
        assert_eq!(
            (ahead_or_behind(300_040), ahead_or_behind(-2_000)),
            ("300.0 s ahead".into(), "2.0 s behind".into())
        );
    }
}

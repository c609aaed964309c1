//! The wall clock that cells are dated by.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far the clocks of two nodes may be apart without a cell of before a moment counting as one of after it.
pub(crate) const CLOCKS_APART: Duration = Duration::from_millis(100);

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A moment (milliseconds since 1970) that no node has reached yet: whatever was filled until now is before it.
pub(crate) fn after_every_clock_ms() -> u64 {
    now_ms() + CLOCKS_APART.as_millis() as u64
}

/// The time of day in UTC of a moment in milliseconds since 1970, for logs: `12:03:04.567Z`.
pub(crate) fn time_of_day(at_ms: u64) -> String {
    let (seconds, ms) = (at_ms / 1_000, at_ms % 1_000);
    format!("{:02}:{:02}:{:02}.{ms:03}Z", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
}

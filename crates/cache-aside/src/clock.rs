//! Time that never steps, and that no node's wall clock decides.
//!
//! Within a process: a clock that began at the wall clock's time and is carried on by the machine's monotonic clock.
//! Between processes: the clock of Redis alone, which each process estimates as an interval from samples of it. What a
//! cell is dated by is the interval's lower end, what its age is told by the upper one: errors cost hits, never a bound.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::failpoints::{self, Guard};
use crate::skew::{report_skew, report_step};

/// How far two clocks may drift apart: a 1,000th, twice what NTP may slew a clock by (`ntp_adjtime`: 500 ppm).
const DRIFT: u64 = 1_000;
/// What is added to the upper end for the drift until the next sample and for what rounding takes away, microseconds.
const MARGIN_US: i64 = 2_000;
/// How far the clock of Redis, of which nothing is known, may be ahead of the node's own, milliseconds: where the user may
/// not ask for it, cells still answer, if the clocks are apart by less.
const UNKNOWN_MS: i64 = 1_000;

/// What makes the wall clock of the process's start of the time that has passed since the machine's, milliseconds.
static START_MS: LazyLock<u64> = LazyLock::new(|| wall_ms().saturating_sub(passed().as_millis() as u64));

/// Milliseconds on the clock of this process: those since 1970 as the wall clock told them at the start, and then without
/// its steps.
#[inline]
pub(crate) fn now_ms() -> u64 {
    let passed = passed();
    *START_MS + passed.as_secs() * 1_000 + u64::from(passed.subsec_millis())
}

/// Microseconds on the same clock.
pub(crate) fn now_us() -> u64 {
    *START_MS * 1_000 + passed().as_micros() as u64
}

/// The time that has passed since the machine started, also while it slept: what was fresh before is not fresh because
/// nobody was awake. An `Instant` leaves that out on Linux (rust-lang/rust#87906).
#[cfg(target_os = "linux")]
#[inline]
fn passed() -> Duration {
    let since_boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(since_boot.tv_sec as u64, since_boot.tv_nsec as u32)
}

/// The time that has passed since this was first asked.
#[cfg(not(target_os = "linux"))]
fn passed() -> Duration {
    static FIRST: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    FIRST.elapsed()
}

fn wall_ms() -> u64 {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    now_ms.saturating_add_signed(failpoints::clock_offset_ms())
}

/// One look at the clock that cells are dated by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    /// Milliseconds on the clock of this process.
    pub(crate) local_ms: u64,
    /// The latest that the clock of Redis may show, milliseconds since 1970.
    pub(crate) ms: u64,
}

/// What Redis answered when it was asked for the time. Microseconds; those of this process are of [`now_us`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) asked_us: u64,
    pub(crate) said_us: u64,
    pub(crate) answered_us: u64,
}

/// How far the clock of Redis is ahead of this process's, microseconds: something in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ahead {
    at_least_us: i64,
    at_most_us: i64,
    /// When it was last found to be so.
    known_at_us: u64,
}

impl Ahead {
    fn of(sample: Sample) -> Self {
        let Sample { asked_us, said_us, answered_us } = sample;
        Self {
            at_least_us: said_us as i64 - answered_us as i64,
            at_most_us: said_us as i64 - asked_us as i64,
            known_at_us: answered_us,
        }
    }

    /// The same at another time: less is known.
    fn at(self, now_us: u64) -> Self {
        let drift_us = (now_us.abs_diff(self.known_at_us) / DRIFT) as i64;
        Self { at_least_us: self.at_least_us - drift_us, at_most_us: self.at_most_us + drift_us, known_at_us: now_us }
    }

    /// What both say; `None` if they contradict each other.
    fn and(self, other: Self) -> Option<Self> {
        let both = Self {
            at_least_us: self.at_least_us.max(other.at_least_us),
            at_most_us: self.at_most_us.min(other.at_most_us),
            known_at_us: other.known_at_us,
        };
        (both.at_least_us <= both.at_most_us).then_some(both)
    }

    fn about_ms(self) -> i64 {
        (self.at_least_us + self.at_most_us) / 2_000
    }
}

/// The clock that cells are dated by: that of the cache.
#[derive(Debug)]
pub(crate) struct Clock {
    /// How far it is ahead of this process's clock at most, milliseconds. Every hit reads it.
    at_most_ms: AtomicI64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ahead: Option<Ahead>,
    /// By how much the node's wall clock is ahead of Redis's, milliseconds, as the log said last.
    reported_ms: Option<i64>,
}

impl Clock {
    /// The clock of a cache in this process.
    pub(crate) fn of_process() -> Self {
        Self { at_most_ms: AtomicI64::new(0), state: Mutex::default() }
    }

    /// The clock of Redis. Until the first sample, nothing is known but the node's own.
    pub(crate) fn of_redis() -> Self {
        Self { at_most_ms: AtomicI64::new(UNKNOWN_MS), state: Mutex::default() }
    }

    pub(crate) fn now(&self) -> Now {
        let local_ms = now_ms();
        Now { local_ms, ms: local_ms.saturating_add_signed(self.at_most_ms.load(Ordering::Relaxed)) }
    }

    /// What it showed at least at a moment of this process's clock (microseconds), in milliseconds since 1970.
    pub(crate) fn at_least_ms(&self, local_us: u64) -> u64 {
        let at_least_us = self.state().ahead.map_or(0, |ahead| ahead.at(local_us).at_least_us);
        local_us.saturating_add_signed(at_least_us) / 1_000
    }

    /// The latest that it may show, milliseconds since 1970; `None` before the first sample.
    pub(crate) fn latest_ms(&self) -> Option<u64> {
        let is_known = self.state().ahead.is_some();
        is_known.then(|| self.now().ms)
    }

    /// Learns from a sample. `another`: it is of another Redis than those before.
    pub(crate) fn learn(&self, sample: Sample, another: bool) {
        if failpoints::is_off(Guard::Clock) {
            return;
        }
        let (mut state, new) = (self.state(), Ahead::of(sample));
        let old = state.ahead.filter(|_| !another).map(|ahead| ahead.at(sample.answered_us));
        let ahead = match old {
            None => new,
            Some(old) => old.and(new).unwrap_or_else(|| {
                report_step(new.about_ms() - old.about_ms());
                new
            }),
        };
        state.ahead = Some(ahead);
        self.at_most_ms.store((ahead.at_most_us + MARGIN_US).div_euclid(1_000) + 1, Ordering::Relaxed);
        let redis_ms = (sample.answered_us / 1_000) as i64 + ahead.about_ms();
        state.reported_ms = report_skew(wall_ms() as i64 - redis_ms, state.reported_ms);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Plain numbers: a panic elsewhere leaves them whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time of day in UTC of a moment in milliseconds since 1970, for logs: `12:03:04.567Z`.
pub(crate) fn time_of_day(at_ms: u64) -> String {
    let (seconds, ms) = (at_ms / 1_000, at_ms % 1_000);
    format!("{:02}:{:02}:{:02}.{ms:03}Z", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;
    /// Some moment of this process's clock, microseconds.
    const T: u64 = 1_000_000 * SECOND;

    /// A sample of a Redis whose clock is ahead by so much, asked at `asked_us`; it took so long there and back.
    fn sample(asked_us: u64, ahead_us: i64, there_us: u64, back_us: u64) -> Sample {
        let read_us = asked_us + there_us;
        Sample { asked_us, said_us: read_us.saturating_add_signed(ahead_us), answered_us: read_us + back_us }
    }

    fn bounds(clock: &Clock) -> (i64, i64) {
        let ahead = clock.state().ahead.expect("there was a sample");
        (ahead.at_least_us, ahead.at_most_us)
    }

    #[test]
    fn a_fill_is_never_dated_later_than_the_clock_of_redis_at_its_start() {
        for ahead_us in [-300_000_000_i64, -1_500, 0, 700, 300_000_000] {
            let clock = Clock::of_redis();
            for (n, (there_us, back_us)) in [(50, 50), (40_000, 10), (5, 900_000), (0, 0)].into_iter().enumerate() {
                clock.learn(sample(T + n as u64 * SECOND, ahead_us, there_us, back_us), false);
                for start_us in [T, T + 3 * SECOND, T + 20 * SECOND] {
                    let redis_us = start_us.saturating_add_signed(ahead_us);
                    let dated_ms = clock.at_least_ms(start_us);
                    assert!(dated_ms <= redis_us / 1_000, "{ahead_us} {there_us} {back_us}");
                    assert!(dated_ms + 1_000 > redis_us / 1_000, "{ahead_us} {there_us} {back_us}");
                }
            }
        }
    }

    #[test]
    fn a_fill_that_begins_after_an_answer_is_dated_at_what_it_said_or_later() {
        let clock = Clock::of_redis();
        clock.learn(sample(T - SECOND, 5_000, 3, 3), false);
        let answer = sample(T, 5_000, 200_000, 400_000);
        clock.learn(answer, false);
        assert!(clock.at_least_ms(answer.answered_us) >= answer.said_us / 1_000);
    }

    #[test]
    fn samples_narrow_it_down_and_drift_widens_it() {
        let clock = Clock::of_redis();
        clock.learn(sample(T, 0, 1_000, 9_000), false);
        assert_eq!(bounds(&clock), (-9_000, 1_000));
        clock.learn(sample(T, 0, 9_500, 500), false);
        assert_eq!(bounds(&clock), (-500, 1_000), "the best of both");
        clock.learn(sample(T + 10 * SECOND, 0, SECOND, SECOND), false);
        let (at_least, at_most) = bounds(&clock);
        assert!(at_least < -10_500 && at_most > 11_000 && at_most < 15_000, "{at_least} {at_most}");
    }

    #[test]
    fn a_step_of_the_clock_of_redis_is_noticed_by_the_next_sample_in_either_direction() {
        for step_us in [-60_000_000_i64, -20_000, 20_000, 60_000_000] {
            let clock = Clock::of_redis();
            clock.learn(sample(T, 0, 500, 500), false);
            clock.learn(sample(T + SECOND, step_us, 500, 500), false);
            assert_eq!(bounds(&clock), (step_us - 500, step_us + 500));
        }
    }

    #[test]
    fn of_another_redis_only_its_own_samples_count() {
        let clock = Clock::of_redis();
        clock.learn(sample(T, 0, 500, 500), false);
        clock.learn(sample(T, 400, 5_000, 5_000), true);
        assert_eq!(bounds(&clock), (-4_600, 5_400));
    }
}

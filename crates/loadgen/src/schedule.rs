//! `Schedule`: when each request is due, however long answers take.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use command_line::values;

/// So long at so many requests a second: `10s:100/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// How long it lasts.
    pub time: Duration,
    /// Requests that become due a second.
    pub rate: NonZeroU32,
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let stage = || {
            let (time, rate) = text.split_once(':')?;
            Some(Self { time: values::duration(time).ok()?, rate: rate_of(rate).ok()? })
        };
        stage().ok_or_else(|| "must be stages like 10s:100/s,30s:1000/s: how long, and how many a second".to_owned())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/s", humantime::format_duration(self.time).to_string().replace(' ', ""), self.rate)
    }
}

/// A rate as it is given: `5000/s`.
pub(crate) fn rate_of(text: &str) -> Result<NonZeroU32, String> {
    let number = values::per_second(text).ok().and_then(NonZeroU32::new);
    number.ok_or_else(|| "must be a whole number a second above 0, like 5000/s".to_owned())
}

/// Stages, one after the other; the last one lasts for ever if it is the only one and no stage was asked for.
#[derive(Debug)]
pub(crate) struct Schedule(Vec<Leg>);

#[derive(Debug)]
struct Leg {
    begins: Duration,
    /// Number of its first request; the first of all has the number 0.
    first: u64,
    /// How many become due in it; none if it has no end.
    count: Option<u64>,
    rate: u64,
}

impl Schedule {
    /// One rate for ever.
    pub(crate) fn steady(rate: NonZeroU32) -> Self {
        Self(vec![Leg { begins: Duration::ZERO, first: 0, count: None, rate: rate.get().into() }])
    }

    pub(crate) fn of(stages: &[Stage]) -> Self {
        let (mut begins, mut first, mut legs) = (Duration::ZERO, 0, Vec::new());
        for stage in stages {
            let rate = u64::from(stage.rate.get());
            let count = (stage.time.as_secs_f64() * rate as f64).ceil() as u64;
            legs.push(Leg { begins, first, count: Some(count), rate });
            begins += stage.time;
            first += count;
        }
        Self(legs)
    }

    /// How long after the first request one is due; none if there are not so many.
    pub(crate) fn due_after(&self, number: u64) -> Option<Duration> {
        let leg = self.0.iter().rfind(|leg| leg.first <= number)?;
        let number = number - leg.first;
        let after =
            Duration::from_secs(number / leg.rate) + Duration::from_nanos(number % leg.rate * 1_000_000_000 / leg.rate);
        leg.count.is_none_or(|count| number < count).then_some(leg.begins + after)
    }

    /// How many requests become due within so long, the first at once.
    pub(crate) fn due_within(&self, time: Duration) -> u64 {
        let due = |leg: &Leg| {
            let time = time.checked_sub(leg.begins)?;
            let due = 1 + (time.as_secs_f64() * leg.rate as f64) as u64;
            Some(due.min(leg.count.unwrap_or(u64::MAX)))
        };
        self.0.iter().filter_map(due).sum()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

    use super::*;

    #[test]
    fn requests_are_due_at_even_distances_for_ever() {
        let schedule = Schedule::steady(NonZeroU32::new(3).unwrap());
        let due = [0, 1, 2, 3, 3_000_000_000].map(|number| schedule.due_after(number).unwrap().as_millis());
        assert_eq!(due, [0, 333, 666, 1_000, 1_000_000_000_000]);
        assert_eq!(schedule.due_within(Duration::from_millis(700)), 3);
    }

    #[test]
    fn stages_follow_each_other_and_end() {
        let stages: Vec<Stage> = ["1s:2/s", "500ms:10"].iter().map(|stage| stage.parse().unwrap()).collect();
        let schedule = Schedule::of(&stages);
        let due: Vec<_> = (0..8).map(|number| schedule.due_after(number).map(|due| due.as_millis())).collect();
        let expected = [0, 500, 1_000, 1_100, 1_200, 1_300, 1_400].map(Some);
        assert_eq!(due, [&expected[..], &[None]].concat());
        let within = [0, 999, 1_000, 1_250, 60_000].map(|ms| schedule.due_within(Duration::from_millis(ms)));
        assert_eq!(within, [1, 2, 3, 5, 7]);
        assert_eq!(stages[1].to_string(), "500ms:10/s");
        for wrong in ["10s", "10s:0/s", ":5/s", "0s:5/s", "10s:", "x:5"] {
            assert!(wrong.parse::<Stage>().is_err(), "{wrong}");
        }
    }
}

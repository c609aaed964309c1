//! Seconds as points of a chart: never more than fit on a page.

use crate::figures::{Latency, Second};

/// More points than this are drawn together.
const MAX_POINTS: usize = 300;

/// One point: a second, or some that follow each other.
pub(crate) struct Point {
    /// The first second.
    pub(crate) second: u64,
    /// Users at the last second.
    pub(crate) users: u64,
    /// Successes a second, on average.
    pub(crate) successes: f64,
    /// Reads a second that the cache answered, on average.
    pub(crate) from_cache: f64,
    /// Failures a second, on average.
    pub(crate) failures: f64,
    /// Latency of the successes in the worst second: p50, p90, p99, p99.9 and the slowest; None if there were none.
    pub(crate) latency: Option<[u64; 5]>,
    /// The same of the failures.
    pub(crate) failure_latency: Option<[u64; 5]>,
}

/// The points of a run. The last second is not a whole one, and would look like a collapse: it is left out.
pub(crate) fn points(timeline: &[Second]) -> Vec<Point> {
    let whole = if timeline.len() > 2 { &timeline[..timeline.len() - 1] } else { timeline };
    whole.chunks(whole.len().div_ceil(MAX_POINTS).max(1)).map(point).collect()
}

fn point(seconds: &[Second]) -> Point {
    let mean = |figure: fn(&Second) -> u64| seconds.iter().map(figure).sum::<u64>() as f64 / seconds.len() as f64;
    let worst = |figure: fn(&Second) -> Option<Latency>| {
        let known = seconds.iter().filter_map(figure);
        let known = known.map(|at| [at.p50_us, at.p90_us, at.p99_us, at.p999_us, at.max_us]);
        known.reduce(|a, b| std::array::from_fn(|n| a[n].max(b[n])))
    };
    Point {
        second: seconds[0].second,
        users: seconds[seconds.len() - 1].users,
        successes: mean(|second| second.successes),
        from_cache: mean(|second| second.from_cache),
        failures: mean(|second| second.failures),
        latency: worst(|second| second.latency),
        failure_latency: worst(|second| second.failure_latency),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(requests: &[u64]) -> Vec<Second> {
        let second = |(n, requests): (usize, &u64)| Second {
            second: n as u64,
            successes: *requests,
            latency: (*requests > 0).then(Latency::default),
            ..Second::default()
        };
        requests.iter().enumerate().map(second).collect()
    }

    #[test]
    fn the_last_second_is_left_out_as_it_is_not_whole() {
        let requests: Vec<_> = points(&timeline(&[10, 20, 1])).iter().map(|point| point.successes).collect();
        assert_eq!(requests, [10.0, 20.0]);
    }

    #[test]
    fn a_long_run_is_drawn_with_no_more_points_than_fit() {
        let points = points(&timeline(&vec![7; 100_000]));
        assert!(points.len() <= MAX_POINTS && points.len() > MAX_POINTS / 2, "{}", points.len());
        assert!(points.iter().all(|point| point.successes == 7.0));
    }

    #[test]
    fn a_second_without_an_answer_has_no_latency() {
        let seconds = timeline(&[5, 0, 5, 5]);
        let has: Vec<_> = points(&seconds).iter().map(|point| point.latency.is_some()).collect();
        assert_eq!(has, [true, false, true]);
    }
}

//! Axes whose marks are round numbers.

/// More marks than this would touch each other.
const MAX_MARKS: usize = 9;

/// The axis of values.
pub(crate) struct Axis {
    /// Where the grid's lines are: from the bottom of the chart to its top.
    pub(crate) marks: Vec<f64>,
    /// Whether equal distances are equal ratios.
    log: bool,
}

impl Axis {
    /// From 0 in round steps to the first at or above this.
    pub(crate) fn linear(highest: f64) -> Self {
        let step = round_step(highest / 5.0).max(1.0);
        let steps = (highest / step).ceil().max(2.0) as u32;
        Self { marks: (0..=steps).map(|n| step * f64::from(n)).collect(), log: false }
    }

    /// From a round number below to one above, in steps of 1, 2, 5, 10.
    pub(crate) fn log(lowest: f64, highest: f64) -> Self {
        let (lowest, highest) = (lowest.min(highest).max(1.0), highest.max(2.0));
        let all: Vec<f64> = round_numbers().collect();
        let first = all.iter().rposition(|mark| *mark <= lowest).unwrap_or(0);
        let last = all.iter().position(|mark| *mark >= highest).unwrap_or(all.len() - 1).max(first + 1);
        let (bottom, top) = (all[first], all[last]);
        let mut marks = all[first..=last].to_vec();
        if marks.len() > MAX_MARKS {
            // Only the tenfolds, between both ends.
            marks.retain(|mark| *mark == bottom || *mark == top || mark.log10().fract() == 0.0);
        }
        Self { marks, log: true }
    }

    /// How far up a value is: 0 at the bottom, 1 at the top.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.log { value.max(1.0).ln() } else { value };
        let (low, high) = (scale(self.marks[0]), scale(self.marks[self.marks.len() - 1]));
        (scale(value) - low) / (high - low)
    }
}

/// 1, 2, 5, 10, 20, 50 and so on.
pub(crate) fn round_numbers() -> impl Iterator<Item = f64> {
    (0..12).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)))
}

/// The seconds between two marks of a time axis, so that there are about ten at most.
pub(crate) fn time_step(seconds: u64) -> u64 {
    let minutes = [60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400];
    let steps = [1, 2, 5, 10, 15, 30].into_iter().chain(minutes);
    steps.into_iter().find(|step| seconds / step <= 10).unwrap_or_else(|| seconds.div_ceil(10).max(1))
}

/// The next of 1, 2, 2.5, 5 and their tenfolds at or above.
fn round_step(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 2.5, 5.0].into_iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_reaches_above_its_highest_value_in_few_round_steps() {
        for (value, step) in [(0.0, 1.0), (1.0, 1.0), (5.0, 1.0), (99.0, 20.0), (101.0, 25.0), (54_321.0, 20_000.0)] {
            let marks = Axis::linear(value).marks;
            let top = *marks.last().expect("an axis has marks");
            assert!(top >= value && (3..=7).contains(&marks.len()), "{value}: {marks:?}");
            assert_eq!(marks[1], step, "{value}");
        }
    }

    #[test]
    fn a_log_axis_holds_all_values_between_round_ones() {
        for (lowest, highest) in [(0.0, 0.0), (3.0, 3.0), (50.0, 50.0), (870.0, 37_500.0), (1.0, 6e8)] {
            let axis = Axis::log(lowest, highest);
            let (bottom, top) = (axis.marks[0], axis.marks[axis.marks.len() - 1]);
            assert!(bottom <= lowest.max(1.0) && top >= highest && bottom < top, "{lowest} {highest}: {bottom} {top}");
        }
    }

    #[test]
    fn a_log_axis_of_no_values_is_one_too() {
        assert_eq!(Axis::log(f64::MAX, 0.0).marks, [1.0, 2.0]);
    }

    #[test]
    fn marks_of_time_are_whole_seconds_or_minutes() {
        let steps: Vec<_> = [0, 10, 20, 60, 119, 600, 3_600, 10_000_000].into_iter().map(time_step).collect();
        assert_eq!(steps, [1, 1, 2, 10, 15, 60, 600, 1_000_000]);
    }
}

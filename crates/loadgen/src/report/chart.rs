//! Charts as SVG. Colours are classes of the page, so that they follow its light or dark scheme.

use std::fmt::Write;

const HEIGHT: f64 = 230.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 10.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 10.0;

/// The axis of values.
pub(crate) struct Axis {
    /// Where the grid's lines are: from the bottom of the chart to its top.
    marks: Vec<f64>,
    /// Whether equal distances are equal ratios.
    log: bool,
}

/// One line of a chart.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    /// One of the page's colour classes.
    pub(crate) class: &'a str,
    /// Whether the area below it is tinted.
    pub(crate) filled: bool,
    /// The line is broken where there is none.
    pub(crate) values: Vec<Option<f64>>,
}

/// Something to point out between the bars.
pub(crate) struct Mark {
    /// How many bars are left of it.
    pub(crate) after: usize,
    pub(crate) name: &'static str,
}

impl Axis {
    /// From 0 to a round number above.
    pub(crate) fn linear(highest: f64) -> Self {
        let top = round_above(highest);
        Self { marks: (0..=4).map(|quarter| top * f64::from(quarter) / 4.0).collect(), log: false }
    }

    /// From a round number below to one above, in steps of 1, 2, 5, 10.
    pub(crate) fn log(lowest: f64, highest: f64) -> Self {
        let (lowest, highest) = (lowest.min(highest).max(1.0), highest.max(2.0));
        let steps = (0..12).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)));
        let all: Vec<f64> = steps.collect();
        let first = all.iter().rposition(|mark| *mark <= lowest).unwrap_or(0);
        let last = all.iter().position(|mark| *mark >= highest).unwrap_or(all.len() - 1).max(first + 1);
        Self { marks: all[first..=last].to_vec(), log: true }
    }

    fn y(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.log { value.max(1.0).ln() } else { value };
        let (low, high) = (scale(self.marks[0]), scale(self.marks[self.marks.len() - 1]));
        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (scale(value) - low) / (high - low)
    }
}

/// Lines over points in time, which `at` names; `label` says a value.
pub(crate) fn lines(
    width: f64,
    axis: &Axis,
    lines: &[Line<'_>],
    at: &[String],
    label: impl Fn(f64) -> String,
) -> String {
    let x = |n: usize| LEFT + (width - LEFT - RIGHT) * n as f64 / at.len().saturating_sub(1).max(1) as f64;
    let mut svg = frame(width, axis, &label);
    for n in (0..at.len()).step_by(at.len().div_ceil(10).max(1)) {
        let anchor = if x(n) > width - 30.0 { "end" } else { "middle" };
        let (x, y) = (x(n), HEIGHT - 6.0);
        put(&mut svg, format_args!("<text class='axis' x='{x:.1}' y='{y}' text-anchor='{anchor}'>{}</text>", at[n]));
    }
    for line in lines {
        for (first, part) in parts(&line.values) {
            draw(&mut svg, line, &points(first, &part, &x, axis));
        }
    }
    let half = if at.len() > 1 { (x(1) - x(0)) / 2.0 } else { width };
    for (n, at) in at.iter().enumerate() {
        let said = lines.iter().filter_map(|line| Some((line, (*line.values.get(n)?)?)));
        let said: String = said.map(|(line, value)| format!("\n{} {}", line.name, label(value))).collect();
        let (left, right) = ((x(n) - half).max(LEFT), (x(n) + half).min(width - RIGHT));
        band(&mut svg, (left, right), Some(x(n)), &format!("{at}{said}"));
    }
    svg + "</svg>"
}

/// A bar for each (label, count).
pub(crate) fn bars(width: f64, bars: &[(String, u64)], marks: &[Mark], label: impl Fn(f64) -> String) -> String {
    let axis = Axis::linear(bars.iter().map(|(_, count)| *count).max().unwrap_or(0) as f64);
    let step = (width - LEFT - RIGHT) / bars.len().max(1) as f64;
    let mut svg = frame(width, &axis, &label);
    for (n, (name, count)) in bars.iter().enumerate() {
        let (x, y) = (LEFT + step * n as f64, axis.y(*count as f64));
        let (wide, high) = ((step - 1.0).max(0.5), HEIGHT - BOTTOM - y);
        put(&mut svg, format_args!("<rect class='bar' x='{x:.1}' y='{y:.1}' width='{wide:.1}' height='{high:.1}'/>"));
        band(&mut svg, (x, x + step), None, &format!("up to {name}\n{} requests", super::number(*count)));
        if n % bars.len().div_ceil(6).max(1) == 0 && x < width - 40.0 {
            put(&mut svg, format_args!("<text class='axis' x='{x:.1}' y='{}'>{name}</text>", HEIGHT - 6.0));
        }
    }
    for mark in marks {
        let x = LEFT + step * mark.after as f64;
        let bottom = HEIGHT - BOTTOM;
        put(&mut svg, format_args!("<line class='mark' x1='{x:.1}' x2='{x:.1}' y1='{TOP}' y2='{bottom}'/>"));
        put(&mut svg, format_args!("<text class='axis' x='{:.1}' y='{}'>{}</text>", x + 4.0, TOP + 9.0, mark.name));
    }
    svg + "</svg>"
}

fn frame(width: f64, axis: &Axis, label: &impl Fn(f64) -> String) -> String {
    let mut svg = format!("<svg style='min-width:{:.0}px' viewBox='0 0 {width} {HEIGHT}' role='img'>", width * 0.7);
    for mark in &axis.marks {
        let (y, right) = (axis.y(*mark), width - RIGHT);
        put(&mut svg, format_args!("<line class='grid' x1='{LEFT}' x2='{right}' y1='{y:.1}' y2='{y:.1}'/>"));
        // Marks are round numbers.
        let text = label(*mark).replace(".00 ", " ").replace(".0 ", " ");
        let (x, y) = (LEFT - 8.0, y + 4.0);
        put(&mut svg, format_args!("<text class='axis' x='{x}' y='{y:.1}' text-anchor='end'>{text}</text>"));
    }
    svg
}

/// The parts of a broken line, each with the number of its first value.
fn parts(values: &[Option<f64>]) -> Vec<(usize, Vec<f64>)> {
    let mut parts: Vec<(usize, Vec<f64>)> = Vec::new();
    for (n, value) in values.iter().enumerate() {
        match (value, parts.last_mut()) {
            (Some(value), Some((first, part))) if *first + part.len() == n => part.push(*value),
            (Some(value), _) => parts.push((n, vec![*value])),
            (None, _) => {}
        }
    }
    parts
}

fn points(first: usize, part: &[f64], x: &impl Fn(usize) -> f64, axis: &Axis) -> Vec<(f64, f64)> {
    part.iter().enumerate().map(|(n, value)| (x(first + n), axis.y(*value))).collect()
}

fn draw(svg: &mut String, line: &Line<'_>, points: &[(f64, f64)]) {
    let (class, bottom) = (line.class, HEIGHT - BOTTOM);
    let path = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
    match points {
        [(x, y)] => put(svg, format_args!("<circle class='dot {class}' cx='{x:.1}' cy='{y:.1}' r='2'/>")),
        [(first, _), .., (last, _)] if line.filled => {
            let area = format!("{first:.1},{bottom} {path} {last:.1},{bottom}");
            put(svg, format_args!("<polygon class='area {class}' points='{area}'/>"));
            put(svg, format_args!("<polyline class='line {class}' points='{path}'/>"));
        }
        _ => put(svg, format_args!("<polyline class='line {class}' points='{path}'/>")),
    }
}

/// Where the pointer calls up `tip`; with a line at `x`.
fn band(svg: &mut String, (left, right): (f64, f64), x: Option<f64>, tip: &str) {
    let (width, height) = ((right - left).max(0.5), HEIGHT - BOTTOM - TOP);
    let x = x.map(|x| format!(" data-x='{x:.1}'")).unwrap_or_default();
    put(
        svg,
        format_args!(
            "<rect class='band' x='{left:.1}' y='{TOP}' width='{width:.1}' height='{height}'{x} data-tip='{tip}'/>"
        ),
    );
}

/// The next round number above, whose quarters are round too.
fn round_above(value: f64) -> f64 {
    if value <= 4.0 {
        return 4.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let step = [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 5.0, 6.0, 8.0].into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}

fn put(svg: &mut String, what: std::fmt::Arguments<'_>) {
    svg.write_fmt(what).expect("writing to a String does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_reaches_above_its_highest_value() {
        for value in [0.0, 1.0, 5.0, 99.0, 100.0, 101.0, 54_321.0, 9_999_999.0] {
            let top = *Axis::linear(value).marks.last().expect("an axis has marks");
            assert!(top >= value && top <= (value * 2.1).max(4.0), "{value}: {top}");
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
    fn a_line_is_broken_where_there_is_no_value() {
        let values = [Some(1.0), Some(2.0), None, Some(3.0)];
        assert_eq!(parts(&values), [(0, vec![1.0, 2.0]), (3, vec![3.0])]);
    }
}

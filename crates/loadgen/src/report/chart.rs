//! Charts as SVG. Colours are classes of the page, so that they follow its light or dark scheme.

use std::fmt::Write;

use super::axis::{Axis, time_step};
use super::units::{number, seconds};

const HEIGHT: f64 = 230.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 10.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 10.0;

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

/// A round number below the bars.
pub(crate) struct Tick {
    /// How many bars are left of it, and what part of one.
    pub(crate) after: f64,
    pub(crate) name: String,
}

/// Something to point out between the bars.
pub(crate) struct Mark {
    /// How many bars are left of it.
    pub(crate) after: usize,
    pub(crate) name: &'static str,
}

/// Where a value is.
fn y_of(axis: &Axis, value: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * axis.share(value)
}

/// Lines over points in time, each so many seconds after the start; `label` says a value.
pub(crate) fn lines(width: f64, axis: &Axis, lines: &[Line<'_>], at: &[u64], label: impl Fn(f64) -> String) -> String {
    let x = |n: usize| LEFT + (width - LEFT - RIGHT) * n as f64 / at.len().saturating_sub(1).max(1) as f64;
    let mut svg = frame(width, axis, &label);
    let step = time_step(at.last().copied().unwrap_or(0));
    let mut marked = None;
    for (n, second) in at.iter().enumerate() {
        // A point may stand for several seconds: the mark is at the first that reaches it.
        let mark = second / step * step;
        if marked == Some(mark) || (mark != *second && n == 0) {
            continue;
        }
        marked = Some(mark);
        let anchor = if x(n) > width - 30.0 { "end" } else { "middle" };
        let (x, y, text) = (x(n), HEIGHT - 6.0, seconds(mark));
        put(&mut svg, format_args!("<text class='axis' x='{x:.1}' y='{y}' text-anchor='{anchor}'>{text}</text>"));
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
        band(&mut svg, (left, right), Some(x(n)), &format!("{}{said}", seconds(*at)));
    }
    svg + "</svg>"
}

/// One bar of a chart: successes, and failures on top of them.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) count: u64,
    pub(crate) failures: u64,
}

/// Bars side by side, `ticks` below them.
pub(crate) fn bars(width: f64, bars: &[Bar], marks: &[Mark], ticks: &[Tick], label: impl Fn(f64) -> String) -> String {
    let axis = Axis::linear(bars.iter().map(|bar| bar.count + bar.failures).max().unwrap_or(0) as f64);
    let step = (width - LEFT - RIGHT) / bars.len().max(1) as f64;
    let mut svg = frame(width, &axis, &label);
    for (n, Bar { name, count, failures }) in bars.iter().enumerate() {
        let (x, wide) = (LEFT + step * n as f64, (step - 1.0).max(0.5));
        let mut from = HEIGHT - BOTTOM;
        for (class, total, shown) in [("bar", count, *count), ("bar failed", &(count + failures), *failures)] {
            if shown > 0 {
                let y = y_of(&axis, *total as f64);
                let high = from - y;
                from = y;
                put(
                    &mut svg,
                    format_args!("<rect class='{class}' x='{x:.1}' y='{y:.1}' width='{wide:.1}' height='{high:.1}'/>"),
                );
            }
        }
        let failed = if *failures > 0 { format!("\n{} failures", number(*failures)) } else { String::new() };
        band(&mut svg, (x, x + step), None, &format!("up to {name}\n{} successes{failed}", number(*count)));
    }
    for Tick { after, name } in ticks {
        let (x, y) = (LEFT + step * after, HEIGHT - 6.0);
        put(&mut svg, format_args!("<text class='axis' x='{x:.1}' y='{y}' text-anchor='middle'>{name}</text>"));
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
        let (y, right) = (y_of(axis, *mark), width - RIGHT);
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
    part.iter().enumerate().map(|(n, value)| (x(first + n), y_of(axis, *value))).collect()
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

fn put(svg: &mut String, what: std::fmt::Arguments<'_>) {
    svg.write_fmt(what).expect("writing to a String does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_where_there_is_no_value() {
        let values = [Some(1.0), Some(2.0), None, Some(3.0)];
        assert_eq!(parts(&values), [(0, vec![1.0, 2.0]), (3, vec![3.0])]);
    }
}

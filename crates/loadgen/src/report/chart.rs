//! Charts as SVG. Colours are classes of the page, so that they follow its light or dark scheme.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 10.0;

/// One line of a chart.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    /// One of the page's colour classes.
    pub(crate) class: &'a str,
    pub(crate) values: Vec<f64>,
}

/// Lines over seconds; `label` says a value.
pub(crate) fn lines(lines: &[Line<'_>], label: impl Fn(f64) -> String) -> String {
    let count = lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let highest = lines.iter().flat_map(|line| &line.values).fold(0.0_f64, |a, b| a.max(*b));
    let top = nice(highest);
    let x = |n: usize| LEFT + (WIDTH - LEFT - 8.0) * n as f64 / count.saturating_sub(1).max(1) as f64;
    let mut svg = frame(top, &label);
    for n in (0..count).step_by(count.div_ceil(10).max(1)) {
        put(
            &mut svg,
            format_args!("<text class='axis' x='{:.1}' y='{}' text-anchor='middle'>{n} s</text>", x(n), HEIGHT - 6.0),
        );
    }
    for line in lines {
        let points: Vec<String> =
            line.values.iter().enumerate().map(|(n, value)| format!("{:.1},{:.1}", x(n), y(*value, top))).collect();
        put(&mut svg, format_args!("<polyline class='line {}' points='{}'/>", line.class, points.join(" ")));
    }
    for n in 0..count {
        let said: Vec<String> = lines
            .iter()
            .filter_map(|line| line.values.get(n).map(|value| format!("{} {}", line.name, label(*value))))
            .collect();
        let width = (x(1) - x(0)).max(2.0);
        put(
            &mut svg,
            format_args!(
                "<rect class='hover' x='{:.1}' y='{TOP}' width='{width:.1}' height='{:.1}'><title>second {n}\n{}</title></rect>",
                x(n) - width / 2.0,
                HEIGHT - BOTTOM - TOP,
                said.join("\n")
            ),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A bar for each (label, count).
pub(crate) fn bars(bars: &[(String, u64)], label: impl Fn(f64) -> String) -> String {
    let top = nice(bars.iter().map(|(_, count)| *count).max().unwrap_or(0) as f64);
    let step = (WIDTH - LEFT - 8.0) / bars.len().max(1) as f64;
    let mut svg = frame(top, &label);
    for (n, (name, count)) in bars.iter().enumerate() {
        let (x, y) = (LEFT + step * n as f64, y(*count as f64, top));
        put(
            &mut svg,
            format_args!(
                "<rect class='bar' x='{x:.1}' y='{y:.1}' width='{:.1}' height='{:.1}'><title>up to {name}\n{} requests</title></rect>",
                (step - 1.0).max(1.0),
                HEIGHT - BOTTOM - y,
                super::number(*count)
            ),
        );
        if n % bars.len().div_ceil(9).max(1) == 0 {
            put(&mut svg, format_args!("<text class='axis' x='{x:.1}' y='{}'>{name}</text>", HEIGHT - 6.0));
        }
    }
    svg.push_str("</svg>");
    svg
}

fn frame(top: f64, label: &impl Fn(f64) -> String) -> String {
    let mut svg = format!("<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>");
    for quarter in 0..=4 {
        let value = top * f64::from(quarter) / 4.0;
        let y = y(value, top);
        put(&mut svg, format_args!("<line class='grid' x1='{LEFT}' x2='{WIDTH}' y1='{y:.1}' y2='{y:.1}'/>"));
        put(
            &mut svg,
            format_args!(
                "<text class='axis' x='{}' y='{:.1}' text-anchor='end'>{}</text>",
                LEFT - 8.0,
                y + 4.0,
                label(value)
            ),
        );
    }
    svg
}

fn y(value: f64, top: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top
}

/// The next of 1, 2, 4, 5, 8, 10 … above, so that quarters are round.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let step = [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}

fn put(svg: &mut String, what: std::fmt::Arguments<'_>) {
    svg.write_fmt(what).expect("writing to a String does not fail");
}

//! The summary as one page: style, script and charts are inside, nothing is fetched.

use super::axis::{Axis, round_numbers};
use super::chart::{Bar, Line, Mark, Tick, lines};
use super::html::{card, escape, legend};
use super::series::{Point, points};
use super::units::{number, time};
use super::{tables, tiles};
use crate::figures::Bucket;
use crate::summary::Summary;

/// Widths of charts, in units of which a letter is 11 high.
const WHOLE: f64 = 960.0;
const HALF: f64 = 470.0;

/// The summary as HTML.
pub fn html(summary: &Summary) -> String {
    let host = escape(&summary.parameters.host);
    let points = points(&summary.timeline);
    let times: Vec<u64> = points.iter().map(|point| point.second).collect();
    let sections = [
        notes(summary),
        tiles::tiles(summary),
        throughput(&points, &times),
        latency("Latency of successes (log scale)", &points, &times, |point| point.latency),
        failures(summary, &points, &times),
        users(&points, &times),
        format!("<div class='grid2'>{}{}</div>", distribution(summary), tables::outcomes(summary)),
        tables::requests(&summary.by_request),
        format!(
            "<div class='grid2'>{}{}</div>",
            tables::statuses(summary),
            tables::counts("Failures", "message", &summary.errors, summary.requests)
        ),
        tables::parameters(summary),
    ];
    format!(
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>\
         <meta name='viewport' content='width=device-width, initial-scale=1'><title>{host} under load</title>\
         <link rel='icon' href='data:,'>\
         <style>{}</style></head><body><header><h1>{host} <span>under load</span></h1><p>{}</p></header><main>{}</main>\
         <footer>{}</footer>\
         <div id='tip' hidden></div><script>{}</script></body></html>\n",
        include_str!("page.css"),
        ended(summary),
        sections.concat(),
        loop_of(summary),
        include_str!("page.js"),
    )
}

/// What latencies mean.
fn loop_of(summary: &Summary) -> &'static str {
    if summary.parameters.rate.is_some() {
        "Open loop: requests become due however long answers take, and latencies count from the moment a request was due."
    } else {
        "Closed loop: each user waits for its answer before it asks again, so a slow service gets fewer requests, \
         and the waiting of requests that were never sent is not in the latencies."
    }
}

fn ended(summary: &Summary) -> String {
    let at = summary.started_at.trim_end_matches('Z').replacen('T', " ", 1);
    format!(
        "{}{} users, started {} UTC on {}, loadgen {}",
        summary.parameters.rate.as_ref().map_or_else(String::new, |rate| format!("{} due, ", escape(rate))),
        number(summary.parameters.users as u64),
        escape(&at),
        escape(&summary.machine.name),
        summary.version
    )
}

fn notes(summary: &Summary) -> String {
    let early = summary.interrupted.then(|| "Interrupted: the run was ended before its time.".to_owned());
    let missed = summary.missed.iter().map(|line| format!("Threshold missed: {}", escape(line)));
    let hints = summary.hints.iter().map(|hint| escape(hint));
    early.into_iter().chain(missed).chain(hints).map(|line| format!("<div class='card note'>{line}</div>")).collect()
}

fn throughput(points: &[Point], times: &[u64]) -> String {
    let line = |name, class, filled, figure: fn(&Point) -> f64| Line {
        name,
        class,
        filled,
        values: points.iter().map(|point| Some(figure(point))).collect(),
    };
    let mut all = vec![
        line("successes", "a", true, |point| point.successes),
        line("from the cache", "b", false, |point| point.from_cache),
        line("failures", "d", false, |point| point.failures),
    ];
    // A line of zeros says less than no line.
    all.retain(|line| line.values.iter().flatten().any(|value| *value > 0.0));
    let highest = |highest: f64, point: &Point| highest.max(point.successes).max(point.failures);
    let axis = Axis::linear(points.iter().fold(0.0, highest));
    let chart = lines(WHOLE, &axis, &all, times, |value| number(value.round() as u64));
    card("Answers a second", &legend(&all), &chart)
}

fn latency(title: &str, points: &[Point], times: &[u64], of: fn(&Point) -> Option<[u64; 5]>) -> String {
    let line = |name, class, n: usize| Line {
        name,
        class,
        filled: false,
        values: points.iter().map(|point| of(point).map(|at| at[n] as f64)).collect(),
    };
    let all =
        [line("max", "f", 4), line("p99.9", "e", 3), line("p99", "c", 2), line("p90", "a", 1), line("p50", "b", 0)];
    let known = || all.iter().flat_map(|line| line.values.iter().flatten());
    let axis = Axis::log(known().copied().fold(f64::MAX, f64::min), known().copied().fold(0.0, f64::max));
    card(title, &legend(&all), &lines(WHOLE, &axis, &all, times, |value| time(value as u64)))
}

/// How long failures took, if there were any.
fn failures(summary: &Summary, points: &[Point], times: &[u64]) -> String {
    if summary.failures == 0 {
        return String::new();
    }
    latency("Time that failures took (log scale)", points, times, |point| point.failure_latency)
}

fn users(points: &[Point], times: &[u64]) -> String {
    let values = points.iter().map(|point| Some(point.users as f64)).collect();
    let all = [Line { name: "users", class: "a", filled: true, values }];
    let axis = Axis::linear(points.iter().map(|point| point.users).max().unwrap_or(0) as f64);
    card("Users", "", &lines(WHOLE, &axis, &all, times, |value| number(value.round() as u64)))
}

fn distribution(summary: &Summary) -> String {
    let all = &summary.distribution;
    let bars: Vec<Bar> = all
        .iter()
        .map(|bucket| Bar { name: time(bucket.up_to_us), count: bucket.count, failures: bucket.failures })
        .collect();
    let after = |micros: u64| all.iter().take_while(|bucket| bucket.up_to_us < micros).count();
    let marks = summary.latency.map_or(Vec::new(), |at| {
        vec![Mark { after: after(at.p50_us), name: "p50" }, Mark { after: after(at.p99_us), name: "p99" }]
    });
    card("Requests by latency", "", &super::chart::bars(HALF, &bars, &marks, &ticks(all), |value| number(value as u64)))
}

/// Round latencies below the bars, which grow by a ratio: as many as have room.
fn ticks(buckets: &[Bucket]) -> Vec<Tick> {
    let place = |micros: f64| {
        let upper = buckets.iter().position(|bucket| bucket.up_to_us as f64 >= micros)?;
        let lower = upper.checked_sub(1)?;
        let (low, high) = (buckets[lower].up_to_us.max(1) as f64, buckets[upper].up_to_us as f64);
        Some(upper as f64 + (micros / low).ln() / (high / low).ln())
    };
    let label = |micros: f64| time(micros as u64).replace(".00 ", " ").replace(".0 ", " ");
    let all: Vec<Tick> =
        round_numbers().filter_map(|micros| Some(Tick { after: place(micros)?, name: label(micros) })).collect();
    let every = all.len().div_ceil(6).max(1);
    all.into_iter().step_by(every).collect()
}

//! The summary as one page: style, script and charts are inside, nothing is fetched.

use std::time::{Duration, UNIX_EPOCH};

use super::chart::{Axis, Line, Mark, bars, lines};
use super::series::{Point, points};
use super::{number, tables, tiles, time};
use crate::summary::Summary;

/// Widths of charts, in units of which a letter is 11 high.
const WHOLE: f64 = 960.0;
const HALF: f64 = 470.0;

/// The summary as HTML.
pub fn html(summary: &Summary) -> String {
    let host = escape(&summary.parameters.host);
    let points = points(&summary.timeline);
    let times: Vec<String> = points.iter().map(|point| format!("{} s", point.second)).collect();
    let sections = [
        notes(summary),
        tiles::tiles(summary),
        throughput(&points, &times),
        latency(&points, &times),
        format!("<div class='grid2'>{}{}</div>", distribution(summary), tables::outcomes(summary)),
        tables::requests(&summary.by_request),
        format!(
            "<div class='grid2'>{}{}</div>",
            tables::counts("Statuses", "status", &summary.statuses, summary.requests),
            tables::counts("Errors", "message", &summary.errors, summary.requests)
        ),
        tables::parameters(&summary.parameters),
    ];
    format!(
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>\
         <meta name='viewport' content='width=device-width, initial-scale=1'><title>{host} under load</title>\
         <style>{}</style></head><body><header><h1>{host} <span>under load</span></h1><p>{}</p></header>{}\
         <footer>Closed loop: each user waits for its answer before it asks again, so a slow service gets fewer requests, \
         and the waiting of requests that were never sent is not in the latencies.</footer>\
         <div id='tip' hidden></div><script>{}</script></body></html>\n",
        include_str!("page.css"),
        ended(summary),
        sections.concat(),
        include_str!("page.js"),
    )
}

fn ended(summary: &Summary) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(summary.ended_at);
    let at = humantime::format_rfc3339_seconds(at).to_string();
    let at = at.trim_end_matches('Z').replacen('T', " ", 1);
    format!("{} users, ended {at} UTC", number(summary.parameters.users as u64))
}

fn notes(summary: &Summary) -> String {
    let early = summary.interrupted.then(|| "Interrupted: the run was ended before its time.".to_owned());
    let missed = summary.missed.iter().map(|line| format!("Threshold missed: {}", escape(line)));
    early.into_iter().chain(missed).map(|line| format!("<div class='card note'>{line}</div>")).collect()
}

fn throughput(points: &[Point], times: &[String]) -> String {
    let line = |name, class, filled, figure: fn(&Point) -> f64| Line {
        name,
        class,
        filled,
        values: points.iter().map(|point| Some(figure(point))).collect(),
    };
    let mut all = vec![
        line("requests", "a", true, |point| point.requests),
        line("from the cache", "b", false, |point| point.from_cache),
        line("failures", "d", false, |point| point.failures),
    ];
    // A line of zeros says less than no line.
    all.retain(|line| line.values.iter().flatten().any(|value| *value > 0.0));
    let axis = Axis::linear(points.iter().fold(0.0, |highest, point| highest.max(point.requests)));
    card("Requests a second", &legend(&all), &lines(WHOLE, &axis, &all, times, |value| number(value.round() as u64)))
}

fn latency(points: &[Point], times: &[String]) -> String {
    let line = |name, class, n: usize| Line {
        name,
        class,
        filled: false,
        values: points.iter().map(|point| point.latency.map(|at| at[n] as f64)).collect(),
    };
    let all = [line("p50", "b", 0), line("p90", "a", 1), line("p99", "c", 2), line("p99.9", "e", 3)];
    let known = || all.iter().flat_map(|line| line.values.iter().flatten());
    let axis = Axis::log(known().copied().fold(f64::MAX, f64::min), known().copied().fold(0.0, f64::max));
    card("Latency (log scale)", &legend(&all), &lines(WHOLE, &axis, &all, times, |value| time(value as u64)))
}

fn distribution(summary: &Summary) -> String {
    let buckets: Vec<_> = summary.distribution.iter().map(|bucket| (time(bucket.up_to_us), bucket.count)).collect();
    let after = |micros: u64| summary.distribution.iter().take_while(|bucket| bucket.up_to_us < micros).count();
    let at = &summary.latency;
    let marks = [Mark { after: after(at.p50_us), name: "p50" }, Mark { after: after(at.p99_us), name: "p99" }];
    let marks = if buckets.is_empty() { &[] } else { &marks[..] };
    card("Requests by latency", "", &bars(HALF, &buckets, marks, |value| number(value as u64)))
}

fn legend(lines: &[Line<'_>]) -> String {
    let entry = |line: &Line<'_>| format!("<i class='key bg {}'></i>{}", line.class, line.name);
    format!("<span class='legend'>{}</span>", lines.iter().map(entry).collect::<String>())
}

pub(crate) fn card(title: &str, legend: &str, content: &str) -> String {
    format!("<section class='card'>{legend}<h2>{title}</h2>{content}</section>")
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;").replace('"', "&quot;")
}

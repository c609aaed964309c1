//! The summary for a terminal.

use std::fmt::{Result, Write};

use super::units::{number, own_cost, percent, status, time};
use crate::figures::{ByRequest, Count, Latency};
use crate::summary::Summary;

/// The summary as text.
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    write_all(&mut text, summary).expect("writing to a String does not fail");
    text
}

fn write_all(out: &mut String, summary: &Summary) -> Result {
    headline(out, summary)?;
    let columns = ["p50", "p90", "p99", "p99.9", "max"];
    write!(out, "\n  {:24} {:>10}", "latency", "requests")?;
    columns.iter().try_for_each(|column| write!(out, " {column:>9}"))?;
    writeln!(out)?;
    summary.by_request.iter().try_for_each(|request| latency(out, request))?;
    let reads = summary.outcomes.iter().map(|count| count.count).sum();
    counts(out, "answered from", &summary.outcomes, reads)?;
    let statuses: Vec<Count> =
        summary.statuses.iter().map(|count| Count { name: status(&count.name), count: count.count }).collect();
    counts(out, "status", &statuses, summary.requests)?;
    counts(out, "failures", &summary.errors, summary.requests)?;
    for hint in &summary.hints {
        writeln!(out, "\n  {hint}")?;
    }
    let kind = if summary.parameters.rate.is_some() {
        "Open loop: latencies count from the moment a request was due."
    } else {
        "Closed loop: each user waits for its answer, so a slow service gets fewer requests."
    };
    writeln!(out, "\n  {kind}")
}

fn headline(out: &mut String, summary: &Summary) -> Result {
    let of = &summary.parameters;
    let rate = of.rate.as_ref().map_or_else(String::new, |rate| format!("{rate} due, "));
    write!(out, "\n  {}   {rate}{} users, ids {}, {} keys", of.host, number(of.users as u64), of.ids, of.keys)?;
    for (share, what) in [(of.missing, "missing"), (of.write, "creates")] {
        if share > 0.0 {
            write!(out, ", {} {what}", percent(share))?;
        }
    }
    writeln!(out)?;
    if summary.interrupted {
        writeln!(out, "  Interrupted: the run was ended before its time.")?;
    }
    let hits = summary.hit_ratio.map_or_else(|| "unknown".to_owned(), percent);
    writeln!(out, "\n  requests    {:>12}   in {}", number(summary.requests), time((summary.seconds * 1e6) as u64))?;
    writeln!(out, "  throughput  {:>12}   successes", format!("{}/s", number(summary.throughput as u64)))?;
    writeln!(out, "  failures    {:>12}   {}", number(summary.failures), percent(summary.error_ratio))?;
    writeln!(out, "  hit ratio   {hits:>12}")?;
    writeln!(out, "  own CPU     {:>12}   {}", time((summary.own_cost.cpu_seconds * 1e6) as u64), own_cost(summary))?;
    for (count, what) in [
        (summary.retries, "GETs were sent again, as their connections were closed without an answer"),
        (summary.cut_off, "requests were under way when the run was cut, and count nowhere"),
    ] {
        if count > 0 {
            writeln!(out, "  {} {what}", number(count))?;
        }
    }
    Ok(())
}

fn latency(out: &mut String, request: &ByRequest) -> Result {
    row(out, request.name, request.successes, request.latency.as_ref())?;
    row(out, &format!("{}, failed", request.name), request.failures, request.failure_latency.as_ref())
}

/// Nothing, if there were no requests of the kind.
fn row(out: &mut String, name: &str, requests: u64, latency: Option<&Latency>) -> Result {
    let Some(at) = latency else { return Ok(()) };
    write!(out, "  {name:24} {:>10}", number(requests))?;
    let columns = [at.p50_us, at.p90_us, at.p99_us, at.p999_us, at.max_us];
    columns.iter().try_for_each(|micros| write!(out, " {:>9}", time(*micros)))?;
    writeln!(out)
}

fn counts(out: &mut String, title: &str, counts: &[Count], whole: u64) -> Result {
    if !counts.is_empty() {
        writeln!(out, "\n  {title}")?;
    }
    for Count { name, count } in counts {
        let share = percent(*count as f64 / whole.max(1) as f64);
        writeln!(out, "    {:>12}  {share:>8}  {name}", number(*count))?;
    }
    Ok(())
}

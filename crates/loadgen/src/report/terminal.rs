//! The summary for a terminal.

use std::fmt::Write;

use super::{number, percent, time};
use crate::summary::{ByRequest, Count, Summary};

/// The summary as text.
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    write_all(&mut text, summary).expect("writing to a String does not fail");
    text
}

fn write_all(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let of = &summary.parameters;
    writeln!(out, "\n{}   {} users, ids {}, {} keys", of.host, of.users, of.ids, of.keys)?;
    writeln!(out, "\n  requests    {:>12}   in {:.1} s", number(summary.requests), summary.seconds)?;
    writeln!(out, "  throughput  {:>12}/s", number(summary.throughput as u64))?;
    writeln!(out, "  failures    {:>12}   {}", number(summary.failures), percent(summary.error_ratio))?;
    match summary.hit_ratio {
        Some(ratio) => writeln!(out, "  hit ratio   {:>12}", percent(ratio))?,
        None => writeln!(out, "  hit ratio   {:>12}", "unknown")?,
    }
    let columns = ["p50", "p90", "p99", "p99.9", "max"];
    write!(out, "\n  {:18} {:>10}", "latency", "requests")?;
    columns.iter().try_for_each(|column| write!(out, " {column:>9}"))?;
    writeln!(out)?;
    summary.by_request.iter().try_for_each(|request| latency(out, request))?;
    counts(out, "answered from", &summary.outcomes)?;
    counts(out, "status", &summary.statuses)?;
    counts(out, "errors", &summary.errors)?;
    writeln!(out, "\n  Closed loop: each user waits for its answer, so a slow service gets fewer requests.\n")
}

fn latency(out: &mut String, request: &ByRequest) -> std::fmt::Result {
    let at = &request.latency;
    write!(out, "  {:18} {:>10}", request.name, number(request.requests))?;
    let columns = [at.p50_us, at.p90_us, at.p99_us, at.p999_us, at.max_us];
    columns.iter().try_for_each(|micros| write!(out, " {:>9}", time(*micros)))?;
    writeln!(out)
}

fn counts(out: &mut String, title: &str, counts: &[Count]) -> std::fmt::Result {
    let all = counts.iter().map(|count| count.count).sum::<u64>().max(1);
    if !counts.is_empty() {
        writeln!(out, "\n  {title}")?;
    }
    for Count { name, count } in counts {
        writeln!(out, "    {:>12}  {:>8}  {name}", number(*count), percent(*count as f64 / all as f64))?;
    }
    Ok(())
}

//! The summary for a terminal.

use std::fmt::{Result, Write};

use super::{number, percent, time};
use crate::summary::{ByRequest, Count, Summary};

/// The summary as text.
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    write_all(&mut text, summary).expect("writing to a String does not fail");
    text
}

fn write_all(out: &mut String, summary: &Summary) -> Result {
    headline(out, summary)?;
    let columns = ["p50", "p90", "p99", "p99.9", "max"];
    write!(out, "\n  {:18} {:>10}", "latency", "requests")?;
    columns.iter().try_for_each(|column| write!(out, " {column:>9}"))?;
    writeln!(out)?;
    summary.by_request.iter().try_for_each(|request| latency(out, request))?;
    let reads = summary.outcomes.iter().map(|count| count.count).sum();
    counts(out, "answered from", &summary.outcomes, reads)?;
    counts(out, "status", &summary.statuses, summary.requests)?;
    counts(out, "errors", &summary.errors, summary.requests)?;
    writeln!(out, "\n  Closed loop: each user waits for its answer, so a slow service gets fewer requests.")
}

fn headline(out: &mut String, summary: &Summary) -> Result {
    let of = &summary.parameters;
    write!(out, "\n  {}   {} users, ids {}, {} keys", of.host, number(of.users as u64), of.ids, of.keys)?;
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
    writeln!(out, "  throughput  {:>12}", format!("{}/s", number(summary.throughput as u64)))?;
    writeln!(out, "  failures    {:>12}   {}", number(summary.failures), percent(summary.error_ratio))?;
    writeln!(out, "  hit ratio   {hits:>12}")
}

fn latency(out: &mut String, request: &ByRequest) -> Result {
    let at = &request.latency;
    write!(out, "  {:18} {:>10}", request.name, number(request.requests))?;
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

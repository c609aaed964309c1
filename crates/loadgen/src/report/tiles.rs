//! The headline figures of the page.

use super::units::{number, percent, time};
use crate::figures::Latency;
use crate::summary::Summary;

/// A tile for each headline figure.
pub(crate) fn tiles(summary: &Summary) -> String {
    let micros =
        |figure: fn(&Latency) -> u64| summary.latency.as_ref().map_or_else(|| "-".to_owned(), |at| time(figure(at)));
    let peak = summary.timeline.iter().map(|second| second.successes).max().unwrap_or(0);
    let reads: u64 = summary.outcomes.iter().map(|count| count.count).sum();
    let (hits, hits_of) = match summary.hit_ratio {
        Some(ratio) => (percent(ratio), format!("of {} reads answered", number(reads))),
        None => ("unknown".to_owned(), "the service does not say".to_owned()),
    };
    let slowest = format!("p99.9 {} · max {}", micros(|at| at.p999_us), micros(|at| at.max_us));
    let failed = if summary.failures > 0 { "bad" } else { "good" };
    let tiles = [
        tile(
            "",
            "Throughput",
            &format!("{}/s", number(summary.throughput as u64)),
            &format!("successes · peak {}", number(peak)),
        ),
        tile("", "Requests", &number(summary.requests), &format!("in {}", time((summary.seconds * 1e6) as u64))),
        tile("", "Hit ratio", &hits, &hits_of),
        tile("", "Median latency", &micros(|at| at.p50_us), &format!("p90 {}", micros(|at| at.p90_us))),
        tile("", "p99 latency", &micros(|at| at.p99_us), &slowest),
        tile(
            failed,
            "Failed",
            &percent(summary.error_ratio),
            &format!("{} requests, not in the latencies", number(summary.failures)),
        ),
    ];
    format!("<div class='tiles'>{}</div>", tiles.concat())
}

fn tile(class: &str, name: &str, figure: &str, more: &str) -> String {
    format!("<div class='tile {class}'><h2>{name}</h2><b>{figure}</b><span>{more}</span></div>")
}

//! What a run should have come to.

use std::time::Duration;

use crate::options::Options;
use crate::summary::Summary;

/// A line for each threshold that is missed.
pub fn missed(options: &Options, summary: &Summary) -> Vec<String> {
    let mut missed = Vec::new();
    if let Some(max) = options.max_error_ratio
        && summary.error_ratio > max
    {
        missed.push(format!("error ratio {:.4} is above {max}", summary.error_ratio));
    }
    if let Some(max) = options.max_p99
        && Duration::from_micros(summary.latency.p99_us) > max
    {
        missed.push(format!("p99 {:.1} ms is above {max:?}", summary.latency.p99_us as f64 / 1_000.0));
    }
    if let Some(min) = options.min_hit_ratio {
        match summary.hit_ratio {
            Some(ratio) if ratio >= min => {}
            Some(ratio) => missed.push(format!("hit ratio {ratio:.4} is below {min}")),
            None => missed
                .push(format!("hit ratio is unknown (no Cache-Status in any answer), at least {min} is asked for")),
        }
    }
    let asked = options.max_error_ratio.is_some() || options.max_p99.is_some() || options.min_hit_ratio.is_some();
    if asked && summary.requests == 0 {
        missed.push("no request was made".to_owned());
    }
    missed
}

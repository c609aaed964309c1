//! What a run should have come to.

use std::time::Duration;

use crate::options::Options;
use crate::summary::Summary;

/// A line for each threshold that is missed. Without `--max-error-ratio` no failure is allowed.
pub fn missed(options: &Options, summary: &Summary) -> Vec<String> {
    let mut missed = Vec::new();
    match options.max_error_ratio {
        Some(max) if summary.error_ratio > max => {
            missed.push(format!("error ratio {:.4} is above {max}", summary.error_ratio));
        }
        None if summary.failures > 0 => missed.push(format!(
            "{} of {} requests failed (--max-error-ratio allows a share)",
            summary.failures, summary.requests
        )),
        _ => {}
    }
    if let Some(max) = options.max_p99 {
        match summary.latency {
            Some(at) if Duration::from_micros(at.p99_us) <= max => {}
            Some(at) => missed.push(format!("p99 {:.1} ms is above {max:?}", at.p99_us as f64 / 1_000.0)),
            None => missed.push(format!("p99 is unknown (no request succeeded), at most {max:?} is asked for")),
        }
    }
    if let Some(min) = options.min_hit_ratio {
        match summary.hit_ratio {
            Some(ratio) if ratio >= min => {}
            Some(ratio) => missed.push(format!("hit ratio {ratio:.4} is below {min}")),
            None => missed
                .push(format!("hit ratio is unknown (no Cache-Status in any answer), at least {min} is asked for")),
        }
    }
    if summary.requests == 0 {
        missed.push("no request was made".to_owned());
    }
    missed
}

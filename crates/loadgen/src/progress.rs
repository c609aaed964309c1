//! What a person sees while a run goes on: a line that changes each second, on a terminal only.

use std::io::{IsTerminal, Write, stderr};

use crate::report::{number, percent, time};
use crate::summary::Second;

/// Says what the last second came to.
pub struct Progress {
    shown: bool,
}

impl Progress {
    /// Shown if standard error is a terminal; a file would only be filled with it.
    pub fn new() -> Self {
        Self { shown: stderr().is_terminal() }
    }

    /// Replaces the line.
    pub fn say(&self, second: &Second) {
        self.write(&line(second));
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.write("");
    }

    fn write(&self, line: &str) {
        if self.shown {
            // A terminal that is gone is no reason to end the run.
            drop(write!(stderr(), "\r\x1b[2K{line}"));
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// One second in a line.
pub fn line(second: &Second) -> String {
    let from_cache = second.from_cache as f64 / second.requests.max(1) as f64;
    format!(
        "  {:>3} s  {:>8}/s  p50 {:>8}  p99 {:>8}  from the cache {:>8}  failures {}",
        second.second + 1,
        number(second.requests),
        time(second.latency.p50_us),
        time(second.latency.p99_us),
        percent(from_cache),
        number(second.failures),
    )
}

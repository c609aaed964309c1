//! What a person sees while a run goes on: a line that changes each second, on a terminal only.

use std::io::{IsTerminal, Write, stderr};

use rustix::termios::tcgetwinsize;

use crate::figures::Second;
use crate::report::units::{number, percent, time};

/// The width of a terminal that does not say.
const WIDTH: usize = 80;

/// Says what the last second came to.
pub struct Progress {
    shown: bool,
}

impl Progress {
    /// Shown if standard error is a terminal; a file would only be filled with it.
    pub fn new() -> Self {
        Self { shown: stderr().is_terminal() }
    }

    /// A line that stays, also in a file.
    pub fn note(&self, note: &str) {
        drop(writeln!(stderr(), "{note}"));
    }

    /// Replaces the line that changes.
    pub fn say(&self, second: &Second) {
        let columns = tcgetwinsize(stderr()).map_or(0, |size| usize::from(size.ws_col));
        self.write(&line(second, if columns == 0 { WIDTH } else { columns }));
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

/// One second in a line of less than so many columns: a line that wraps could not be replaced. What matters most comes
/// first, and what does not fit is left out.
pub fn line(second: &Second, columns: usize) -> String {
    let time = |micros: Option<u64>| micros.map_or_else(|| "-".to_owned(), time);
    let at = second.latency;
    let parts = [
        format!("{:>5} s", second.second + 1),
        format!("  {:>8}/s", number(second.successes)),
        format!("  failures {}", number(second.failures)),
        format!("  p50 {:>8}", time(at.map(|at| at.p50_us))),
        format!("  p99 {:>8}", time(at.map(|at| at.p99_us))),
        format!("  cache {:>8}", percent(second.from_cache as f64 / second.requests.max(1) as f64)),
        format!("  users {}", number(second.users)),
    ];
    let mut line = String::new();
    for part in parts {
        if line.chars().count() + part.chars().count() >= columns {
            break;
        }
        line.push_str(&part);
    }
    line
}

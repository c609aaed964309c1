//! What a command says at its end, and whether all is well.

use std::io::{self, Write};
use std::time::Duration;

use todo_store::printable;

use crate::bulk_load::tally::Tally;

/// Lines for people, and the exit code for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The first is the most important.
    pub lines: Vec<String>,
    /// Exit code 0; else 1.
    pub good: bool,
    /// Standard output is taken by something else.
    pub to_stderr: bool,
}

impl Report {
    /// Of one line; all is well.
    pub fn of_line(line: String) -> Self {
        Self { lines: vec![line], good: true, to_stderr: false }
    }

    /// Of documents that came from `from`.
    pub fn of_tally(tally: &Tally, skip_invalid: bool, from: &str, took: Duration) -> Self {
        let seconds = took.as_secs_f64();
        let rate = tally.written as f64 / seconds.max(f64::MIN_POSITIVE);
        let mut report =
            Self::of_line(format!("{} todos written from {from} in {seconds:.1} s, {rate:.0} todos/s", tally.written));
        report.lines.extend(tally.lines());
        report.good = skip_invalid || tally.refused.count == 0;
        if !report.good {
            report.lines.push("error: not all documents are stored (--skip-invalid makes that a success)".to_owned());
        }
        report
    }

    /// Prints it. Who does not listen any more (`seeder verify | head`) does not make it fail.
    pub fn print(&self) {
        for line in &self.lines {
            let line = printable(line);
            if self.to_stderr {
                eprintln!("{line}");
            } else if writeln!(io::stdout(), "{line}").is_err() {
                return;
            }
        }
    }
}

//! How far it is: a bar with rate and time left on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// To standard error.
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    /// When the last line was written; none on a terminal.
    last_line: Option<Instant>,
}

impl Progress {
    /// Of `total` todos.
    pub fn new(total: u64) -> Self {
        let now = Instant::now();
        if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template(
                "{bar:40} {human_pos}/{human_len} todos  {per_sec}  {elapsed} gone, {eta} left",
            );
            let bar = ProgressBar::new(total).with_style(style.expect("the template is a constant that parses"));
            return Self { bar, began: now, last_line: None };
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        Self { bar, began: now, last_line: Some(now) }
    }

    /// So many more are written, or were there.
    pub fn add(&mut self, todos: u64) {
        self.bar.inc(todos);
        if self.last_line.is_some_and(|last| last.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or_default());
            let rate = done as f64 / self.began.elapsed().as_secs_f64();
            let left = Duration::from_secs_f64((total - done.min(total)) as f64 / rate.max(1.0));
            eprintln!("{done} of {total} todos, {rate:.0}/s, {} left", HumanDuration(left));
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

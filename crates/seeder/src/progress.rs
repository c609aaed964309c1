//! How far it is: a bar with rate and time left on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

const TODOS: &str = "{bar:40} {human_pos}/{human_len} todos  {per_sec}  {elapsed} gone, {eta} left";
const BYTES: &str = "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {elapsed} gone, {eta} left";
const UNKNOWN: &str = "{spinner} {bytes}  {bytes_per_sec}  {elapsed} gone";

/// To standard error.
pub struct Progress {
    bar: ProgressBar,
    unit: Unit,
    began: Instant,
    /// When the last line was written; none on a terminal.
    last_line: Option<Instant>,
}

#[derive(Clone, Copy)]
enum Unit {
    Todos,
    Bytes,
}

impl Progress {
    /// Of `total` todos.
    pub fn of_todos(total: u64) -> Self {
        Self::new(Some(total), Unit::Todos, TODOS)
    }

    /// Of `total` bytes, if that is known.
    pub fn of_bytes(total: Option<u64>) -> Self {
        Self::new(total, Unit::Bytes, if total.is_some() { BYTES } else { UNKNOWN })
    }

    fn new(total: Option<u64>, unit: Unit, template: &str) -> Self {
        let began = Instant::now();
        if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template(template).expect("the templates are constants that parse");
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style);
            return Self { bar, unit, began, last_line: None };
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        Self { bar, unit, began, last_line: Some(began) }
    }

    /// So many more are done.
    pub fn add(&mut self, more: u64) {
        self.bar.inc(more);
        self.line();
    }

    /// So many are done; fewer than before changes nothing.
    pub fn reach(&mut self, done: u64) {
        self.bar.set_position(done.max(self.bar.position()));
        self.line();
    }

    fn line(&mut self) {
        if self.last_line.is_some_and(|last| last.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            let (done, total) = (self.bar.position(), self.bar.length());
            let rate = done as f64 / self.began.elapsed().as_secs_f64();
            let shown = |amount: u64| match self.unit {
                Unit::Todos => amount.to_string(),
                Unit::Bytes => HumanBytes(amount).to_string(),
            };
            let unit = if matches!(self.unit, Unit::Todos) { " todos" } else { "" };
            match total {
                Some(total) => {
                    let left = Duration::from_secs_f64((total - done.min(total)) as f64 / rate.max(1.0));
                    let (done, total, rate) = (shown(done), shown(total), shown(rate as u64));
                    eprintln!("{done} of {total}{unit}, {rate}/s, {} left", HumanDuration(left));
                }
                None => eprintln!("{}{unit}, {}/s", shown(done), shown(rate as u64)),
            }
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

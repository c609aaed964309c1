//! The summary for a terminal, as JSON and as a page.

mod chart;
pub mod page;
pub mod terminal;

use std::path::Path;

use crate::error::LoadgenError;
use crate::options::Options;
use crate::summary::Summary;

/// Prints the summary, and writes the files that were asked for.
///
/// # Errors
/// A file cannot be written.
pub fn write(options: &Options, summary: &Summary) -> Result<(), LoadgenError> {
    #[expect(clippy::print_stdout, reason = "the report is the program's output")]
    {
        print!("{}", terminal::text(summary));
    }
    if let Some(path) = &options.json {
        let json = serde_json::to_vec_pretty(summary).expect("numbers, strings and lists always serialize");
        save(path, &json)?;
    }
    if let Some(path) = &options.report {
        save(path, page::html(summary).as_bytes())?;
    }
    for missed in &summary.missed {
        eprintln!("threshold missed: {missed}");
    }
    Ok(())
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), LoadgenError> {
    std::fs::write(path, bytes).map_err(|source| LoadgenError::Report { path: path.to_owned(), source })
}

/// Microseconds for people.
pub(crate) fn time(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.2} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.2} s", micros as f64 / 1e6),
    }
}

/// A whole number with its thousands apart.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn percent(ratio: f64) -> String {
    format!("{:.2} %", ratio * 100.0)
}

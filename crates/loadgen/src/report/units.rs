//! Figures for people.

use reqwest::StatusCode;

use crate::summary::Summary;

/// Microseconds.
pub(crate) fn time(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.2} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.2} s", micros as f64 / 1e6),
    }
}

/// Whole seconds since the start: `45 s`, `2 m`, `1 h 30 m`.
pub(crate) fn seconds(seconds: u64) -> String {
    let parts = [(seconds / 3_600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let parts: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
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

/// A status with its meaning: `404 Not Found`.
pub(crate) fn status(code: &str) -> String {
    let known = code.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
    known.map_or_else(|| code.to_owned(), |status| status.to_string().replace("<unknown status code>", ""))
}

/// A share; neither a little nor nearly all is rounded to nothing or all.
pub(crate) fn percent(ratio: f64) -> String {
    match ratio * 100.0 {
        share if share > 0.0 && share < 0.01 => "<0.01 %".to_owned(),
        share if share < 100.0 && share > 99.99 => ">99.99 %".to_owned(),
        share => format!("{share:.2} %"),
    }
}

/// What the load generator itself used: `1.2 of 2 cores, 23 us a request`.
pub(crate) fn own_cost(summary: &Summary) -> String {
    let of = &summary.own_cost;
    format!("{:.1} of {} cores, {} a request", of.cores, summary.machine.cores, time(of.cpu_us_per_request as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_digits_and_its_unit() {
        let said: Vec<_> = [0, 999, 1_000, 9_994, 12_345, 999_949, 1_500_000].into_iter().map(time).collect();
        assert_eq!(said, ["0 µs", "999 µs", "1.00 ms", "9.99 ms", "12.3 ms", "999.9 ms", "1.50 s"]);
    }

    #[test]
    fn seconds_beyond_a_minute_are_minutes() {
        let said: Vec<_> = [0, 59, 60, 90, 5_400].into_iter().map(seconds).collect();
        assert_eq!(said, ["0 s", "59 s", "1 m", "1 m 30 s", "1 h 30 m"]);
    }

    #[test]
    fn thousands_stand_apart() {
        let said: Vec<_> = [0, 999, 1_000, 1_234_567].into_iter().map(number).collect();
        assert_eq!(said, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn one_failure_in_a_million_is_not_none() {
        let said: Vec<_> = [0.0, 1e-6, 0.25, 1.0 - 1e-6, 1.0].into_iter().map(percent).collect();
        assert_eq!(said, ["0.00 %", "<0.01 %", "25.00 %", ">99.99 %", "100.00 %"]);
    }
}

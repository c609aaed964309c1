//! Parsers of single values, whose errors say what is allowed.

use std::time::Duration;

/// A duration above zero: `50ms`, `2s`, `1m 30s`.
///
/// # Errors
/// What is allowed.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text).ok().filter(|duration| !duration.is_zero());
    parsed.ok_or_else(|| "must be a duration above zero like 50ms, 2s or 1m".to_owned())
}

/// A duration above zero, of which a bare number is seconds: `90`, `90s`, `1m 30s`.
///
/// # Errors
/// What is allowed.
pub fn duration_or_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let parsed = seconds.or_else(|| humantime::parse_duration(text).ok()).filter(|duration| !duration.is_zero());
    parsed.ok_or_else(|| "must be a duration above zero like 50ms, 2s or 1m, or a number of seconds".to_owned())
}

/// A duration, also zero: `0s`, `1s`.
///
/// # Errors
/// What is allowed.
pub fn duration_or_zero(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "must be a duration like 0s, 50ms or 2s".to_owned())
}

/// `on` or `off`.
///
/// # Errors
/// What is allowed.
pub fn on_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

/// A rate: `0/s`, `10/s`.
///
/// # Errors
/// What is allowed.
pub fn per_second(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    number.parse().map_err(|_| "must be a whole number a second like 10/s".to_owned())
}

/// A whole number above zero.
///
/// # Errors
/// What is allowed.
pub fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be a whole number above 0".to_owned())
}

/// The name of a MongoDB database (MongoDB manual, "Naming Restrictions").
///
/// # Errors
/// What is allowed.
pub fn database_name(text: &str) -> Result<String, String> {
    let is_good =
        (1..=63).contains(&text.len()) && !text.contains(|c: char| "/\\. \"$*<>:|?".contains(c) || c.is_control());
    if is_good { Ok(text.to_owned()) } else { Err("must have 1 to 63 bytes without any of /\\. \"$*<>:|?".to_owned()) }
}

/// The name of a MongoDB collection (MongoDB manual, "Naming Restrictions").
///
/// # Errors
/// What is allowed.
pub fn collection_name(text: &str) -> Result<String, String> {
    let is_good = (1..=200).contains(&text.len())
        && !text.contains(|c: char| c == '$' || c.is_control())
        && !text.starts_with(['.'])
        && !text.ends_with('.')
        && !text.starts_with("system.");
    if is_good {
        Ok(text.to_owned())
    } else {
        Err("must have 1 to 200 bytes without $, no dot at its ends, and not begin with system.".to_owned())
    }
}

/// A share of a whole, 0 to 1.
///
/// # Errors
/// What is allowed.
pub fn ratio(text: &str) -> Result<f64, String> {
    let parsed = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    parsed.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

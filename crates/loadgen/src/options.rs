//! The command line. Every flag is also an environment variable: `TODO_` and the flag in capitals.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use command_line::values;
use serde::Serialize;
use url::Url;

/// Fires requests for random todos and reports latency, errors and hit ratio.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a threshold is missed.
#[derive(Debug, Clone, Parser)]
#[command(version, about)]
pub struct Options {
    /// The service. Paths are appended: http://127.0.0.1:8000, or http://127.0.0.1:8000/base.
    #[arg(long, env = "TODO_HOST", default_value = "http://127.0.0.1:8000", value_name = "URL", value_parser = host)]
    pub host: Url,

    /// Users; each sends a request, waits for its answer, and sends the next.
    #[arg(long, env = "TODO_USERS", default_value = "100", value_name = "N", value_parser = values::positive)]
    pub users: usize,

    /// Users started a second.
    #[arg(long, env = "TODO_HATCH_RATE", default_value = "100", value_name = "N", value_parser = values::positive)]
    pub hatch_rate: usize,

    /// How long it takes, with the start of the users.
    #[arg(long, env = "TODO_RUN_TIME", default_value = "1m", value_name = "DURATION", value_parser = whole_seconds)]
    pub run_time: Duration,

    /// Stop after so many requests in all, if that comes first.
    #[arg(long, env = "TODO_REQUESTS", value_name = "N", value_parser = values::positive)]
    pub requests: Option<usize>,

    /// Ids that are asked for: the numbers from A to B, both included.
    #[arg(long, env = "TODO_IDS", default_value = "1..199999", value_name = "A..B")]
    pub ids: Ids,

    /// How ids are drawn: each alike, or the first ones most (Zipf's law with exponent S).
    #[arg(long, env = "TODO_KEYS", default_value = "uniform", value_name = "uniform|zipf:S")]
    pub keys: Keys,

    /// Share of requests for ids that do not exist; 404 is the right answer to them.
    #[arg(long, env = "TODO_MISSING", default_value = "0", value_name = "RATIO", value_parser = values::ratio)]
    pub missing: f64,

    /// Share of requests that create a todo (POST).
    #[arg(long, env = "TODO_WRITE", default_value = "0", value_name = "RATIO", value_parser = values::ratio)]
    pub write: f64,

    /// How long a request may take.
    #[arg(long, env = "TODO_TIMEOUT", default_value = "10s", value_name = "DURATION", value_parser = values::duration)]
    pub timeout: Duration,

    /// Write the figures to this file as JSON.
    #[arg(long, env = "TODO_JSON", value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a page with charts to this file (HTML, nothing else needed).
    #[arg(long, env = "TODO_REPORT", value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Miss a threshold (exit code 3) if more than this share of requests fails.
    #[arg(long, env = "TODO_MAX_ERROR_RATIO", value_name = "RATIO", value_parser = values::ratio)]
    pub max_error_ratio: Option<f64>,

    /// Miss a threshold (exit code 3) if the slowest hundredth of requests takes longer.
    #[arg(long, env = "TODO_MAX_P99", value_name = "DURATION", value_parser = values::duration)]
    pub max_p99: Option<Duration>,

    /// Miss a threshold (exit code 3) if a smaller share of reads is answered from the cache.
    #[arg(long, env = "TODO_MIN_HIT_RATIO", value_name = "RATIO", value_parser = values::ratio)]
    pub min_hit_ratio: Option<f64>,
}

/// The ids that are asked for, as numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Ids(pub RangeInclusive<u64>);

/// How ids are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(into = "String")]
pub enum Keys {
    /// Each alike.
    Uniform,
    /// Number k of the ids with a likelihood of 1 / k^S.
    Zipf(f64),
}

impl FromStr for Ids {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ends = text.split_once("..").and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match ends {
            Some((a, b)) if a <= b => Ok(Self(a..=b)),
            _ => Err("must be two whole numbers, the first not above the second, like 1..199999".to_owned()),
        }
    }
}

impl FromStr for Keys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let exponent = text.strip_prefix("zipf:").and_then(|exponent| exponent.parse::<f64>().ok());
        match exponent.filter(|exponent| (0.01..=10.0).contains(exponent)) {
            Some(exponent) => Ok(Self::Zipf(exponent)),
            None if text == "uniform" => Ok(Self::Uniform),
            None => Err("must be uniform, or zipf:S with S from 0.01 to 10, like zipf:1.1".to_owned()),
        }
    }
}

impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0.start(), self.0.end())
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf(exponent) => write!(f, "zipf:{exponent}"),
        }
    }
}

impl From<Ids> for String {
    fn from(ids: Ids) -> Self {
        ids.to_string()
    }
}

impl From<Keys> for String {
    fn from(keys: Keys) -> Self {
        keys.to_string()
    }
}

fn host(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "must be http://HOST[:PORT] or https://HOST[:PORT]".to_owned())
}

/// Goose counts whole seconds.
fn whole_seconds(text: &str) -> Result<Duration, String> {
    let duration = values::duration(text)?;
    if duration.subsec_nanos() == 0 { Ok(duration) } else { Err("must be whole seconds, like 30s or 1m".to_owned()) }
}

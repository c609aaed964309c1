//! Which ids are asked for, and which of them is next.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use rand::Rng;
use rand::RngExt;
use rand_distr::{Distribution, Zipf};
use serde::Serialize;

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

/// Draws ids.
#[derive(Debug, Clone)]
pub struct KeySource {
    first: u64,
    last: u64,
    zipf: Option<Zipf<f64>>,
}

impl KeySource {
    /// A source of these ids, drawn so.
    pub fn new(ids: &Ids, keys: Keys) -> Self {
        let (first, last) = (*ids.0.start(), *ids.0.end());
        let zipf = match keys {
            Keys::Uniform => None,
            Keys::Zipf(exponent) => {
                let ids = (last - first) as f64 + 1.0;
                Some(Zipf::new(ids, exponent).expect("at least one id, and an exponent above zero"))
            }
        };
        Self { first, last, zipf }
    }

    /// The next id.
    pub fn draw(&self, rng: &mut impl Rng) -> u64 {
        match &self.zipf {
            None => rng.random_range(self.first..=self.last),
            // Ranks begin with 1; rounding must not lead past the end.
            Some(zipf) => (self.first + zipf.sample(rng) as u64 - 1).min(self.last),
        }
    }
}

//! Which id is asked for next.

use rand::Rng;
use rand::RngExt;
use rand_distr::{Distribution, Zipf};

use crate::options::{Ids, Keys};

/// Draws ids.
#[derive(Debug, Clone)]
pub struct KeySource {
    first: u64,
    last: u64,
    zipf: Option<Zipf<f64>>,
}

impl KeySource {
    /// Of these ids, drawn so.
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

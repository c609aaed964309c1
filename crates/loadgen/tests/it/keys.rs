//! Which ids are drawn.

use std::collections::HashMap;

use loadgen::keys::KeySource;
use loadgen::keys::{Ids, Keys};
use rand::SeedableRng;
use rand::rngs::SmallRng;

/// How often each id comes in 100,000 draws.
fn draws(ids: &str, keys: &str) -> HashMap<u64, u32> {
    let source = KeySource::new(&ids.parse::<Ids>().unwrap(), keys.parse::<Keys>().unwrap());
    let mut rng = SmallRng::seed_from_u64(1);
    let mut counts = HashMap::new();
    for _ in 0..100_000 {
        *counts.entry(source.draw(&mut rng)).or_default() += 1;
    }
    counts
}

#[test]
fn uniform_draws_each_id_alike_and_both_ends() {
    let counts = draws("11..20", "uniform");
    assert_eq!(counts.len(), 10);
    assert!((11..=20).all(|id| (9_500..10_500).contains(&counts[&id])), "{counts:?}");
}

#[test]
fn zipf_draws_the_first_ids_most_as_its_law_says() {
    let counts = draws("1..1000", "zipf:1.0");
    // The harmonic number of 1000 is 7.485.
    let expected = |rank: u64| 100_000.0 / 7.485 / rank as f64;
    for rank in [1, 2, 5, 10] {
        let ratio = f64::from(counts[&rank]) / expected(rank);
        assert!((0.9..1.1).contains(&ratio), "rank {rank}: {ratio}");
    }
}

#[test]
fn a_higher_exponent_is_more_skewed() {
    let share = |keys| f64::from(draws("1..200000", keys)[&1]) / 100_000.0;
    let (mild, strong) = (share("zipf:0.8"), share("zipf:1.5"));
    assert!(mild < 0.05 && strong > 0.3, "{mild} {strong}");
}

#[test]
fn zipf_stays_within_the_range_and_begins_with_its_first_id() {
    for (ids, keys) in [("100..103", "zipf:0.5"), ("7..7", "zipf:1.1"), ("5..200000", "zipf:10")] {
        let counts = draws(ids, keys);
        let ids: Ids = ids.parse().unwrap();
        assert!(counts.keys().all(|id| ids.0.contains(id)), "{keys}: {:?}", counts.keys());
        assert_eq!(counts.iter().max_by_key(|(_, count)| **count).unwrap().0, ids.0.start(), "{keys}");
    }
}

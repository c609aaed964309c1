//! `Deck`: which faults that last come next, drawn from the seed alone: how long one takes changes nothing of what follows.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Fault, Part};

/// How often two faults come at once.
const TWO_AT_ONCE: f64 = 0.3;

/// Every kind comes as often as any other. Endless, unless there is no kind.
pub struct Deck {
    kinds: Vec<Fault>,
    left: Vec<Fault>,
    random: ChaCha8Rng,
}

/// One fault, or two at once, and what each draws its own figures from.
pub type Drawn = Vec<(Fault, ChaCha8Rng)>;

impl Deck {
    /// Shuffles these kinds.
    pub fn new(kinds: &[Fault], seed: u64) -> Self {
        Self { kinds: kinds.to_vec(), left: Vec::new(), random: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn draw(&mut self) -> Option<(Fault, ChaCha8Rng)> {
        if self.left.is_empty() {
            self.left.clone_from(&self.kinds);
            self.left.shuffle(&mut self.random);
        }
        let fault = self.left.pop()?;
        Some((fault, ChaCha8Rng::from_rng(&mut self.random)))
    }
}

impl Iterator for Deck {
    type Item = Drawn;

    fn next(&mut self) -> Option<Drawn> {
        let two = self.random.random_bool(TWO_AT_ONCE);
        let mut drawn = vec![self.draw()?];
        if two && self.left.last().is_some_and(|other| may_meet(drawn[0].0, *other)) {
            drawn.extend(self.draw());
        }
        Some(drawn)
    }
}

/// Two faults of one part would undo each other, a node that is started again needs its servers, and whoever swaps the
/// collection must know that no write is under way.
fn may_meet(one: Fault, other: Fault) -> bool {
    let apart = |fault: Fault| if fault.part() == Part::Nodes { Part::Network } else { fault.part() };
    apart(one) != apart(other) && one != Fault::Swap && other != Fault::Swap
}

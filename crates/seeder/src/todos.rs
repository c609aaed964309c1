//! The todos of a seed. Todo number n depends on the seed and n alone, so that any number of cores, in any order, makes
//! the same todos.

use std::ops::Range;

use fake::Fake;
use fake::faker::lorem::en::Word;
use fake::faker::name::en::{FirstName, LastName};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use todo_model::Todo;

/// The longest description in characters, as the recipe's `text(max_nb_chars=100)`.
pub const MAX_TEXT: usize = 100;

/// Todo number `n`: the id is the number, the name a person's, the description up to [`MAX_TEXT`] characters of text.
pub fn todo(seed: u64, n: u64) -> Todo {
    // ChaCha gives the same numbers on every platform and in every release (RFC 8439's function with 8 rounds).
    let mut rng = ChaCha8Rng::seed_from_u64(mix(seed, n));
    Todo {
        id: n.to_string().parse().expect("decimal digits are an id"),
        name: name(&mut rng),
        description: Some(text(&mut rng)),
    }
}

/// Todos of these numbers, in order.
pub fn todos(seed: u64, numbers: Range<u64>) -> Vec<Todo> {
    numbers.map(|n| todo(seed, n)).collect()
}

fn name(rng: &mut ChaCha8Rng) -> String {
    let (first, last): (&str, &str) = (FirstName().fake_with_rng(rng), LastName().fake_with_rng(rng));
    [first, " ", last].concat()
}

/// Sentences, as many as fit.
fn text(rng: &mut ChaCha8Rng) -> String {
    let mut text = String::with_capacity(MAX_TEXT);
    let wanted = rng.random_range(1..=4);
    for _ in 0..wanted {
        let before = text.len();
        sentence(rng, &mut text);
        if text.len() > MAX_TEXT {
            text.truncate(before);
            break;
        }
    }
    if text.is_empty() {
        // A sentence of three words always fits.
        words(rng, 3, &mut text);
    }
    text
}

fn sentence(rng: &mut ChaCha8Rng, text: &mut String) {
    let count = rng.random_range(4..=9);
    words(rng, count, text);
}

fn words(rng: &mut ChaCha8Rng, count: usize, text: &mut String) {
    if !text.is_empty() {
        text.push(' ');
    }
    for n in 0..count {
        let word: &str = Word().fake_with_rng(rng);
        if n == 0 {
            let (first, rest) = word.split_at(1);
            text.push_str(&first.to_ascii_uppercase());
            text.push_str(rest);
        } else {
            text.push(' ');
            text.push_str(word);
        }
    }
    text.push('.');
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014) of both numbers:
/// neighbours get seeds that have nothing in common.
fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_mul(0xD1B5_4A32_D192_ED03).wrapping_add(n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

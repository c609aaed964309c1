//! Each id is asked for once, however often it is wanted.

use std::collections::HashMap;

/// Each id once, and for each place of `ids` which of those stands there; `None` if none comes twice.
pub(crate) fn distinct<I: AsRef<str>>(ids: &[I]) -> (Vec<&str>, Option<Vec<usize>>) {
    let (mut unique, mut known) = (Vec::with_capacity(ids.len()), HashMap::with_capacity(ids.len()));
    let places: Vec<usize> = ids
        .iter()
        .map(|id| {
            *known.entry(id.as_ref()).or_insert_with(|| {
                unique.push(id.as_ref());
                unique.len() - 1
            })
        })
        .collect();
    let repeats = unique.len() < ids.len();
    (unique, repeats.then_some(places))
}

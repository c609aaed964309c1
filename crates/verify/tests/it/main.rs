//! - `model`: the rules, switched off one by one.
//! - `notation`: small histories as text. `accepted`, `refused`: what the checker says of them.

mod accepted;
mod model;
mod notation;
mod refused;

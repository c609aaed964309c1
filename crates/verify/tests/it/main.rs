//! - `notation`: small histories as text. `accepted`, `refused`: what the checker says of them.

mod accepted;
mod notation;
mod refused;

//! - `notation`: small histories as text. `accepted`, `refused`: what the checker says of them.
//! - `model`: the rules, switched off one by one.
//! - `support`: clusters for tests. `runs`: short runs. `teeth`: guards of the engine, switched off one by one.

mod accepted;
mod model;
mod notation;
mod refused;
mod runs;
mod support;
mod teeth;

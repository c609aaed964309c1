//! - `notation`: small histories as text. `accepted`, `refused`: what the checker says of them.
//! - `model`: the rules, switched off one by one.
//! - `program`: flags and exit codes.
//! - `support`: clusters for tests. `hot_key`: many readers of one todo. `foreign`: writes past the service. `runs`: short runs. `teeth`: guards of the engine, switched off one by one.

mod accepted;
mod foreign;
mod hot_key;
mod model;
mod notation;
mod program;
mod refused;
mod runs;
mod support;
mod teeth;

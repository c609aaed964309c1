//! The checker: what it says of small histories, of the service as it is, and of one whose guards are switched off.
//!
//! - `notation`: small histories as text. `accepted`, `refused`: what the checker says of them. `batches`: the
//!   same of reads of many todos at once.
//! - `simulated`: what it says of many histories that are right by construction.
//! - `model`: the rules, switched off one by one.
//! - `program`: flags and exit codes.
//! - `support`: clusters for tests. `hot_key`: many readers of one todo. `foreign`: writes past the service. `runs`: short
//!   runs. `faults`: what is broken, and that it is. `teeth`, `majority`: guards of the engine and of the store, switched off
//!   one by one. `skewed`: nodes whose wall clocks are wrong. `postgres`: the example of cache-aside. `versions`: creates and
//!   deletes of one todo that race.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod accepted;
mod batches;
mod experiments;
mod faults;
mod foreign;
mod hot_key;
mod majority;
mod model;
mod notation;
mod postgres;
mod program;
mod refused;
mod runs;
mod shared_loads;
mod simulated;
mod skewed;
mod support;
mod teeth;
mod versions;

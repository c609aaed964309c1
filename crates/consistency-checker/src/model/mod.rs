//! Every interleaving of the cache's rules for one id, by stateright: writers, readers, the change stream, losses, crashes
//! and L1, over the engine's own decisions ([`cache_aside::rules`]).
//!
//! A read must answer a state of the store that is at least as new as everything acknowledged, answered or passed by the
//! change stream before it began. With L1: as new as what its process answered, and as everything, once the process
//! has heard all that was announced. `seq` counts commits; the checker knows it, the rules see versions only.
//!
//! - [`setup`]: how many of whom, and which rules are switched off. `state`: what there is. `rules`: the decisions.
//! - `writer`, `reader`, `world`: who does what next. [`check()`]: all of it.

mod check;
mod reader;
mod rules;
pub mod setup;
mod state;
mod world;
mod writer;

pub use check::{Found, check};
pub use setup::{Rule, Setup};

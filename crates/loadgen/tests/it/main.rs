//! The load generator against services that tell the truth, that lie, and that are not there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod counting;
mod headers;
mod keys;
mod lies;
mod live;
mod outcomes;
mod program;
mod rates;
mod reports;
mod seeded;
mod signals;
mod silence;
mod support;
mod target;
mod thresholds;
mod tls;

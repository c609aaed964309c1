//! The engine against a real Redis, and in process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod access;
mod audit;
mod auto_pipelining;
mod batches;
mod cells;
mod changes;
mod clocks;
mod cluster;
mod contention;
mod examples;
mod fake_changes;
mod field;
mod gathered;
mod incarnations;
mod l1;
mod leading;
mod loads;
mod min_version;
mod outages;
mod postgres;
mod read_many;
mod reads;
mod redis_pauses;
mod scripts;
mod seeing;
mod sentinels;
mod slot;
mod start;
mod stats;
mod store_outages;
mod support;
mod traces;
mod typed;
mod urls;
mod waiting;
mod warming;
mod writes;

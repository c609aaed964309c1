//! The engine against a real Redis, and in process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod audit;
mod cells;
mod changes;
mod examples;
mod incarnations;
mod l1;
mod outages;
mod postgres;
mod reads;
mod scripts;
mod slot;
mod support;
mod urls;
mod writes;

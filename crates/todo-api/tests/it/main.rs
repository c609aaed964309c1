//! The service over HTTP, against a real Redis and a real MongoDB, and over the embedded store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod access;
mod admission;
mod ahead;
mod board;
mod bodies;
mod browser;
mod cacheable;
mod caching;
mod changing;
mod check;
mod chromium;
mod collector;
mod collectors;
mod connections;
mod cors;
mod creating;
mod crowds;
mod deadlines;
mod docs;
mod documented;
mod elections;
mod foreign;
mod fuzzed;
mod hostile;
mod listening;
mod live;
mod live_history;
mod many;
mod metrics;
mod openapi;
mod outages;
mod preconditions;
mod probes;
mod program;
mod reading;
mod redis_cluster;
mod refusals;
mod refused;
mod start;
mod stopping;
mod support;
mod swapped;
mod tls;
mod traces;

//! The targets without libFuzzer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod seeds;

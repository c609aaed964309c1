//! The seeder, as a library and as the program, against a real MongoDB and the embedded store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod drops;
mod flags;
mod generation;
mod hostile;
mod imports;
mod interrupted;
mod keys_not_utf8;
mod mutations;
mod numeric_ids;
mod odd_dumps;
mod real_tools;
mod refusals;
mod resumes;
mod samples;
mod stops;
mod strange_ids;
mod support;
mod tables;
mod testdata;
mod verifies;

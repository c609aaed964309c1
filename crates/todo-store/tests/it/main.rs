//! Both stores against one contract, and each against its own ways to fail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod access;
mod change_faults;
mod changes;
mod contract;
mod creates;
mod embedded;
mod faults;
mod kills;
mod mongo;
mod outages;
mod raw;
mod replacements;
mod support;
mod urls;
mod watcher;

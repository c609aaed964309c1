//! Runs one fuzz target, `FUZZ_TARGET`, under libFuzzer, whose flags it takes. `scripts/fuzz` builds it with the coverage that
//! libFuzzer is guided by.

#![no_main]

use std::sync::LazyLock;

use fuzz::targets::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(target, _)| *target == name);
    found.unwrap_or_else(|| panic!("FUZZ_TARGET is {name:?}, and must be one of {:?}", TARGETS.map(|(name, _)| name))).1
});

fuzz_target!(|bytes: &[u8]| (*TARGET)(bytes));

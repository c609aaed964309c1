//! A promise in seconds is one on a machine that does nothing else: how late another may be is measured, not guessed.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::find::redis_server;

/// So many small programs are started, and so many times that long a busy machine may be late.
const PROGRAMS: u32 = 10;
const TIMES: u32 = 50;

/// By how much this machine, as busy as it is now, may be late with what an idle one does at once: the time of starting
/// several hundred small programs.
pub fn lateness() -> Duration {
    let began = Instant::now();
    for _ in 0..PROGRAMS {
        let said = Command::new(redis_server()).arg("--version").stdout(Stdio::null()).status();
        said.expect("redis-server says its version");
    }
    began.elapsed() * TIMES
}

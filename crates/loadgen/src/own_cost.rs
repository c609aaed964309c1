//! `OwnCost`: what the run costs by itself. On a machine that is shared with the service, that is what the service does not have.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::summary::Summary;

/// What the load generator used.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct OwnCost {
    /// CPU time of its threads, user and system, in seconds.
    pub cpu_seconds: f64,
    /// Cores that it kept busy on average.
    pub cores: f64,
    /// CPU time for each request, in microseconds.
    pub cpu_us_per_request: f64,
}

impl OwnCost {
    pub(crate) fn of(cpu: Duration, summary: &Summary) -> Self {
        let cpu = cpu.as_secs_f64();
        let each = |whole: f64| if whole > 0.0 { cpu / whole } else { 0.0 };
        Self { cpu_seconds: cpu, cores: each(summary.seconds), cpu_us_per_request: each(summary.requests as f64) * 1e6 }
    }
}

/// CPU time of this process so far.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

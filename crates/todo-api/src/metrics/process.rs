//! What the process uses of its machine, under the names that Prometheus's client libraries give it. From `/proc`, so on Linux
//! only.

use super::family::Family;

#[cfg(not(target_os = "linux"))]
pub(super) fn families() -> Vec<Family> {
    Vec::new()
}

/// What `/proc` tells; what it does not is left out.
#[cfg(target_os = "linux")]
pub(super) fn families() -> Vec<Family> {
    let Ok(process) = procfs::process::Process::myself() else { return Vec::new() };
    let mut families = Vec::new();
    if let Ok(stat) = process.stat() {
        let ticks = procfs::ticks_per_second() as f64;
        families.extend([
            Family::counter("process_cpu_seconds", "CPU time of the process, user and system, in seconds.")
                .value((stat.utime + stat.stime) as f64 / ticks),
            Family::gauge("process_resident_memory_bytes", "Resident memory in bytes.")
                .value((stat.rss * procfs::page_size()) as f64),
            Family::gauge("process_virtual_memory_bytes", "Virtual memory in bytes.").value(stat.vsize as f64),
            Family::gauge("process_threads", "Threads of the process.").value(stat.num_threads as f64),
        ]);
        if let Ok(booted) = procfs::boot_time_secs() {
            families.push(
                Family::gauge("process_start_time_seconds", "When the process was started, in seconds since 1970.")
                    .value(booted as f64 + stat.starttime as f64 / ticks),
            );
        }
    }
    if let Ok(open) = process.fd_count() {
        families.push(Family::gauge("process_open_fds", "File descriptors that are open.").value(open as f64));
    }
    if let Ok(limits) = process.limits()
        && let procfs::process::LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        families
            .push(Family::gauge("process_max_fds", "File descriptors that the process may open.").value(most as f64));
    }
    families
}

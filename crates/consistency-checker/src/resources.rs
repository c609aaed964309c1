//! `Resources`: memory and file descriptors of the service's processes while clients are at work.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinHandle;

use crate::cluster::Cluster;
use crate::history::Process;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// What a process may need until it has everything that it keeps.
const WARM: Duration = Duration::from_secs(60);
/// Over so long levels are taken: after that time, and at the end.
const LEVEL: Duration = Duration::from_secs(30);
/// How many times its first level the last may be.
const FLAT: f64 = 1.1;

/// What one process holds, as long as it lives.
#[derive(Debug, Clone, Serialize)]
pub struct Usage {
    /// Which process.
    pub process: String,
    /// For how long it was looked at, in seconds.
    pub seconds: u64,
    /// Resident memory, in KiB.
    pub resident_kib: Held,
    /// Open file descriptors.
    pub descriptors: Held,
}

/// How much of something a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Held {
    /// After its first minute: the middle of half a minute. `None` if it did not live for two minutes.
    pub after_a_minute: Option<u64>,
    /// In its last half minute: the middle of that.
    pub at_the_end: u64,
    /// The most that was seen.
    pub most: u64,
}

impl Usage {
    /// Whether it ends with no more than it had after its first minute, but for a tenth. What did not live for two minutes is.
    pub fn is_flat(&self) -> bool {
        [self.resident_kib, self.descriptors].iter().all(Held::is_flat)
    }
}

impl Held {
    fn of(values: &[(Duration, u64)]) -> Option<Self> {
        let (last, _) = *values.last()?;
        let middle = |from: Duration, until: Duration| {
            let mut there: Vec<u64> =
                values.iter().filter(|(at, _)| (from..=until).contains(at)).map(|(_, value)| *value).collect();
            there.sort_unstable();
            there.get(there.len() / 2).copied()
        };
        let is_long = last >= WARM + 2 * LEVEL;
        Some(Self {
            after_a_minute: is_long.then(|| middle(WARM, WARM + LEVEL)).flatten(),
            at_the_end: middle(last.saturating_sub(LEVEL), last)?,
            most: values.iter().map(|(_, value)| *value).max()?,
        })
    }

    fn is_flat(&self) -> bool {
        self.after_a_minute.is_none_or(|first| self.at_the_end as f64 <= first as f64 * FLAT)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.after_a_minute {
            write!(f, "{first} after a minute, ")?;
        }
        write!(f, "{} at the end, {} at most", self.at_the_end, self.most)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, seconds, resident_kib, descriptors } = self;
        write!(f, "{process} ({seconds} s): KiB of memory {resident_kib}; descriptors {descriptors}")
    }
}

/// Looks at all processes, until it is stopped.
pub struct Resources {
    began: Instant,
    looking: JoinHandle<()>,
    seen: Arc<std::sync::Mutex<Seen>>,
}

type Seen = BTreeMap<Process, Vec<(Instant, u64, u64)>>;

impl Resources {
    /// Begins to look.
    pub fn start(cluster: &Arc<Cluster>) -> Self {
        let seen = Arc::default();
        let looking = tokio::spawn(look(Arc::clone(cluster), Arc::clone(&seen)));
        Self { began: Instant::now(), looking, seen }
    }

    /// What each process held that was seen at all; nothing where the system does not say (no `/proc`).
    pub fn finish(self) -> Vec<Usage> {
        self.looking.abort();
        let seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let usage = |(process, samples): (&Process, &Vec<(Instant, u64, u64)>)| {
            let (first, ..) = *samples.first()?;
            let first = if process.start == 0 { self.began.min(first) } else { first };
            let of = |value: fn(&(Instant, u64, u64)) -> u64| {
                let values: Vec<_> = samples.iter().map(|sample| (sample.0 - first, value(sample))).collect();
                Held::of(&values)
            };
            let (last, ..) = *samples.last()?;
            Some(Usage {
                process: process.to_string(),
                seconds: (last - first).as_secs(),
                resident_kib: of(|sample| sample.1)?,
                descriptors: of(|sample| sample.2)?,
            })
        };
        seen.iter().filter_map(usage).collect()
    }
}

async fn look(cluster: Arc<Cluster>, seen: Arc<std::sync::Mutex<Seen>>) {
    loop {
        for node in &cluster.nodes {
            let Some((process, pid)) = node.running_process() else { continue };
            if let Some((resident, descriptors)) = held_by(pid) {
                let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                seen.entry(process).or_default().push((Instant::now(), resident, descriptors));
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// KiB of resident memory, and open file descriptors; `None` if the process is gone.
fn held_by(pid: u32) -> Option<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some((resident.trim().parse().ok()?, descriptors as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    fn held(values: impl Iterator<Item = u64>) -> Held {
        let values: Vec<_> = values.enumerate().map(|(at, value)| (Duration::from_secs(at as u64), value)).collect();
        Held::of(&values).expect("there are some")
    }

    #[test]
    fn growth_after_the_first_minute_is_noticed_and_before_it_is_not() {
        let filling = held((0..300).map(|second| 1_000 * second.min(60)));
        assert_eq!((filling.after_a_minute, filling.at_the_end), (Some(60_000), 60_000));
        assert!(filling.is_flat());
        let leaking = held((0..300).map(|second| 10_000 + 10 * second));
        assert!(!leaking.is_flat(), "{leaking}");
        let peak = held((0..300).map(|second| if second == 150 { 9_000 } else { 1_000 }));
        assert!(peak.is_flat() && peak.most == 9_000);
    }

    #[test]
    fn a_run_in_which_a_process_grows_fails_where_it_must_be_flat_and_says_which() {
        let descriptors = held((0..300).map(|second| 50 + second));
        let usage =
            Usage { process: "node 1".to_owned(), seconds: 299, resident_kib: held([1; 300].into_iter()), descriptors };
        let report = Report { resources: vec![usage], ..Report::default() };
        assert!(report.passes(false) && !report.passes(true));
        let said = report.to_string();
        assert!(said.contains("node 1") && said.contains("more than a tenth more"), "{said}");
    }

    #[test]
    fn of_a_process_that_did_not_live_for_long_nothing_is_said() {
        let young = held((0..100).map(|second| 1_000 * second));
        assert_eq!(young.after_a_minute, None);
        assert!(young.is_flat());
    }

    #[test]
    fn what_this_process_holds_is_found() {
        let (resident, descriptors) = held_by(std::process::id()).expect("it lives");
        assert!(resident > 1_000 && descriptors >= 3, "{resident} KiB, {descriptors}");
    }
}

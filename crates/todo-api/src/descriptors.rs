//! File descriptors: the service takes what it needs at the start, and bounds its connections by what it got, so that
//! it never runs out of them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not a client's connection: the store, the cache, the log, the event queues.
const OWN: u64 = 128;

/// Raises the soft limit to what so many connections need, at most to the hard limit; how many connections it allows.
pub fn allow(connections: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let needed = connections as u64 + OWN;
    let Some(soft) = current else { return connections };
    if soft >= needed {
        return connections;
    }
    let raised = maximum.map_or(needed, |hard| hard.min(needed)).max(soft);
    let limit = match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        Ok(()) => raised,
        Err(_) => soft,
    };
    if limit >= needed {
        return connections;
    }
    let allowed = limit.saturating_sub(OWN.min(limit / 2)).max(1) as usize;
    tracing::warn!(
        limit,
        needed,
        allowed,
        "fewer file descriptors than --max-connections asks for, so fewer connections are kept open; raise the hard \
         limit (ulimit -Hn, LimitNOFILE=) or lower the flag"
    );
    allowed
}

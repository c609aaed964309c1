//! The steps of reads and writes as spans: what they are called, and which system each of them asks.

use cache_aside::trace::Step;

/// What the service reads from.
pub(super) struct Systems {
    pub(super) store: System,
    /// `None` where the cache is in this process, or off.
    pub(super) cache: Option<System>,
    pub(super) collection: String,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct System {
    /// Its name as `db.system.name`.
    pub(super) name: &'static str,
    pub(super) is_remote: bool,
}

/// What a step works on.
pub(super) enum On {
    Store,
    Cache,
    Neither,
}

/// Name of a step, what it works on, and for how many ids.
pub(super) fn describe(step: Step) -> (&'static str, On, usize) {
    match step {
        Step::CacheRead { ids } => ("cache read", On::Cache, ids),
        Step::FlightWait => ("flight wait", On::Neither, 1),
        Step::Lease => ("lease", On::Cache, 1),
        Step::LeaseWait => ("lease wait", On::Neither, 1),
        Step::Load { ids } => ("store load", On::Neither, ids),
        Step::Query { ids } => ("store query", On::Store, ids),
        Step::CachePut => ("cache put", On::Cache, 1),
        Step::Refresh => ("refresh", On::Neither, 1),
        Step::Write => ("write", On::Neither, 1),
        Step::Commit => ("commit", On::Store, 1),
        Step::Publish => ("publish", On::Cache, 1),
        _ => ("step", On::Neither, 1),
    }
}

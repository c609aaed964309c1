//! What the cache engine counts ([`cache_aside::Stats`]), by metric.

use std::time::Duration;

use cache_aside::Stats;
use cache_aside::stats::{BreakerState, Durations};

use super::family::Family;

pub(super) fn families(stats: &Stats) -> Vec<Family> {
    [
        reads(stats),
        loads(stats),
        leases_and_puts(stats),
        writes(stats),
        health(stats),
        l1(stats),
        audit(stats),
        warming(stats),
    ]
    .concat()
}

/// A counter with one label, and what it says for each of its values.
fn counter<const N: usize>(
    name: &'static str,
    help: &'static str,
    label: &'static str,
    values: [(&str, u64); N],
) -> Family {
    values
        .into_iter()
        .fold(Family::counter(name, help), |family, (value, count)| family.with([(label, value)], count as f64))
}

fn total(name: &'static str, help: &'static str, count: u64) -> Family {
    Family::counter(name, help).value(count as f64)
}

fn gauge(name: &'static str, help: &'static str, value: impl Into<f64>) -> Family {
    Family::gauge(name, help).value(value.into())
}

fn breaker(name: &'static str, help: &'static str, is: BreakerState) -> Family {
    let state = |state: BreakerState| f64::from(u8::from(is == state));
    Family::gauge(name, help)
        .with([("state", "closed")], state(BreakerState::Closed))
        .with([("state", "open")], state(BreakerState::Open))
        .with([("state", "half_open")], state(BreakerState::HalfOpen))
}

fn reads(stats: &Stats) -> Vec<Family> {
    let reads = &stats.reads;
    vec![
        counter(
            "cache_reads",
            "Reads by where they were answered from: hit and hit_l1 are fresh values, stale ones are refreshed behind the \
             answer, stale_if_error ones are answered because the store failed or was late, absent is known absence, bypass asks the \
             store past the cache.",
            "outcome",
            [
                ("hit", reads.hits),
                ("hit_l1", reads.l1_hits),
                ("miss", reads.misses),
                ("stale", reads.stale),
                ("stale_if_error", reads.stale_if_error),
                ("absent", reads.absent),
                ("bypass_off", reads.bypass_off),
                ("bypass_error", reads.bypass_error),
                ("failed", reads.failed),
            ],
        ),
        total("cache_collapsed_reads", "Misses that shared the load of another request.", reads.collapsed),
        counter(
            "cache_waits",
            "Waits of a miss for somebody else's fill: in this process (single_flight) or in another (lease).",
            "for",
            [("single_flight", reads.single_flight_waits), ("lease", reads.lease_waits)],
        ),
        total("cache_refreshes", "Refreshes begun behind an answer.", reads.refreshes),
        total(
            "cache_soft_timeouts",
            "Reads answered with a value past its time because the load took longer than the soft time-out; the load goes on.",
            reads.soft_timeouts,
        ),
    ]
}

fn loads(stats: &Stats) -> Vec<Family> {
    let loads = &stats.loads;
    vec![
        total("cache_loads", "Values that the store was asked for.", loads.started),
        total(
            "cache_store_queries",
            "Queries by which it was asked: one for each load, or one for many.",
            loads.queries,
        ),
        counter(
            "cache_failed_loads",
            "Loads that brought nothing: the store failed (error), took too long (timeout), or too many were under way (rejected).",
            "reason",
            [("error", loads.failed), ("timeout", loads.timed_out), ("rejected", loads.rejected)],
        ),
        Family::histogram(
            "cache_load_duration_seconds",
            "Time that the store took for a load, also one that failed; a query for many values counts once.",
        )
        .distribution(Vec::new(), loads.took.sum.as_secs_f64(), buckets(&loads.took)),
        gauge("cache_loads_in_flight", "Loads under way.", loads.running as f64),
    ]
}

/// Counts with the upper bounds of their buckets, in seconds.
fn buckets(took: &Durations) -> Vec<(f64, u64)> {
    let bounds = Durations::BOUNDS.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
    bounds.zip(took.counts).collect()
}

fn leases_and_puts(stats: &Stats) -> Vec<Family> {
    let (leases, puts) = (&stats.leases, &stats.puts);
    vec![
        counter(
            "cache_lease_attempts",
            "Attempts to get the right to fill: taken, held by somebody else, filled meanwhile, or the cache did not answer.",
            "result",
            [("taken", leases.taken), ("held", leases.held), ("filled", leases.filled), ("failed", leases.failed)],
        ),
        counter(
            "cache_puts",
            "What became of fills: stored, only the floor raised because a writer came between, refused because the cell was as \
             new, or the cache did not answer.",
            "result",
            [("stored", puts.stored), ("raised", puts.raised), ("refused", puts.refused), ("failed", puts.failed)],
        ),
    ]
}

fn writes(stats: &Stats) -> Vec<Family> {
    let (writes, repair) = (&stats.writes, &stats.repair);
    vec![
        counter(
            "cache_writes",
            "Writes through the cache: committed, failed (they did not happen), or unknown (nobody knows).",
            "result",
            [("committed", writes.committed), ("failed", writes.failed), ("unknown", writes.unknown)],
        ),
        total(
            "cache_deferred_publishes",
            "Committed writes that the cache could not be told of in time.",
            writes.deferred,
        ),
        gauge("cache_pending_invalidations", "Ids whose invalidation waits for the cache.", repair.pending as f64),
        gauge(
            "cache_oldest_pending_invalidation_seconds",
            "How long the oldest of these ids waits; 0 if there is none.",
            repair.oldest.unwrap_or_default().as_secs_f64(),
        ),
        total("cache_deferred_invalidations", "Invalidations that had to wait.", repair.deferred),
        total(
            "cache_overflowed_invalidations",
            "Invalidations that found no room, so that everything in the cache was invalidated instead.",
            repair.overflowed,
        ),
    ]
}

fn health(stats: &Stats) -> Vec<Family> {
    let (stream, validity) = (&stats.change_stream, &stats.validity);
    let mut families = vec![
        gauge(
            "cache_connections",
            "Connections to Redis for commands that are open; the subscription and the look at the clock have their own.",
            stats.connections as f64,
        ),
        breaker(
            "cache_breaker_state",
            "The breaker in front of Redis; the state it is in has the value 1.",
            stats.breaker,
        ),
        breaker(
            "cache_store_breaker_state",
            "The breaker in front of the store; the state it is in has the value 1.",
            stats.store_breaker,
        ),
        gauge(
            "change_stream_expected",
            "1 if foreign writes are to be noticed by the store's change stream.",
            u8::from(stream.expected),
        ),
        gauge(
            "change_stream_live",
            "1 if values are fresh for their full time: the change stream is live, or none is expected.",
            u8::from(stream.live),
        ),
        total(
            "change_stream_restarts",
            "Times the change stream ended or fell silent while this process followed it, and was opened again.",
            stream.ended,
        ),
        gauge("change_stream_leader", "1 if this process follows the change stream for all.", u8::from(stream.leading)),
        counter(
            "cache_invalidations_of_all",
            "Times everything cached before became invalid: another Redis (incarnation), changes missed or unknown \
             (change_stream), another process said so (announcement), or this one answered more past Redis than it can \
             remember (bypass).",
            "cause",
            [
                ("incarnation", validity.by_incarnation),
                ("change_stream", validity.by_change_stream),
                ("announcement", validity.by_announcement),
                ("bypass", validity.by_bypass),
            ],
        ),
        gauge(
            "cache_valid_after_timestamp_seconds",
            "No cell filled before this moment is served, in seconds since 1970; 0 if there is none.",
            validity.valid_after_ms as f64 / 1e3,
        ),
    ];
    if let Some(lag) = stream.lag {
        families.push(gauge(
            "change_stream_lag_seconds",
            "How far the change stream was behind at the last heartbeat.",
            lag.as_secs_f64(),
        ));
    }
    families
}

fn l1(stats: &Stats) -> Vec<Family> {
    let l1 = &stats.l1;
    vec![
        gauge("cache_l1_entries", "Values held in this process, in front of Redis.", l1.entries as f64),
        gauge("cache_l1_bytes", "Bytes of these values, keys and overhead estimated in.", l1.bytes as f64),
        total("cache_l1_evictions", "Values of L1 that made room for others.", l1.evictions),
        total("cache_l1_invalidations", "Invalidations that arrived for L1.", l1.invalidations),
        total("cache_l1_clears", "Times everything in L1 was cleared.", l1.clears),
    ]
}

fn audit(stats: &Stats) -> Vec<Family> {
    let audit = &stats.audit;
    vec![
        total("cache_audit_compared", "Cells that the auditor compared with the store.", audit.compared),
        counter(
            "cache_audit_wrong",
            "Cells that were wrong for longer than so many seconds; one that stays wrong counts anew each minute.",
            "longer_than",
            [("1s", audit.wrong_1s), ("10s", audit.wrong_10s), ("60s", audit.wrong_60s)],
        ),
    ]
}

fn warming(stats: &Stats) -> Vec<Family> {
    let warming = &stats.warming;
    let left = if warming.running { warming.of.saturating_sub(warming.done) } else { 0 };
    vec![
        total(
            "cache_warmed",
            "Values that were loaded into an empty cache before anybody asked for them (`--warm-ids`).",
            warming.loaded,
        ),
        gauge(
            "cache_warming_pending",
            "Ids that this process has still to look at while it fills an empty cache.",
            left as f64,
        ),
    ]
}

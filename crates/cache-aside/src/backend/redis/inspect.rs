//! A look at one id in Redis that changes nothing.

use bytes::Bytes;
use deadpool_redis::redis::{Value, cmd};

use super::leases::ENTRY_LEN;
use super::{RedisCache, Shared};
use crate::cell::Cell;
use crate::error::CacheError;
use crate::inspect::InspectedEntry;
use crate::rules::Holder;
use crate::timeline::Found;

impl RedisCache {
    /// The cell and who is in the lease, in one round trip.
    pub(crate) async fn inspect(&self, id: &str) -> Result<(Option<Found>, Vec<InspectedEntry>), CacheError> {
        let Shared { keys, timeline, .. } = &*self.shared;
        let mut both = cmd("MGET");
        both.arg(keys.cell(id)).arg(keys.lease(id));
        let answer = self.run(async |mut connection| connection.send_packed_command(&both).await).await?;
        // What is of another type is nil.
        let mut values = match answer {
            Value::Array(values) => values.into_iter().map(|value| match value {
                Value::BulkString(bytes) => Some(Bytes::from(bytes)),
                _ => None,
            }),
            _ => return Err(CacheError::Layout(keys.cell(id))),
        };
        let (cell, lease) = (values.next().flatten(), values.next().flatten());
        let entries = lease.map(|lease| entries(&lease, timeline.clock.now().ms)).unwrap_or_default();
        Ok((cell.and_then(Cell::decode).map(|cell| timeline.criteria().found(id, cell)), entries))
    }
}

/// The entries of a lease that have not ended: see `lease.lua` for its text.
fn entries(lease: &[u8], now_ms: u64) -> Vec<InspectedEntry> {
    let entry = |text: &[u8]| {
        let by = if *text.get(33)? == b'F' { Holder::Filler } else { Holder::Writer };
        let until_ms = std::str::from_utf8(text.get(34..)?).ok()?.parse().ok()?;
        InspectedEntry::new(by, until_ms, now_ms)
    };
    lease.get(1..).unwrap_or_default().chunks_exact(ENTRY_LEN).filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lease_is_read_as_the_scripts_write_it() {
        let entry = |by: char, until: u64| format!("{:016}{:016}0{by}{until:013}", 7, 0);
        let lease = format!("1{}{}{}", entry('F', 1_500), entry('W', 2_000), entry('W', 900));
        let found = entries(lease.as_bytes(), 1_000);
        let expected = [(Holder::Filler, 500), (Holder::Writer, 1_000)];
        let expected = expected.map(|(by, ms)| InspectedEntry { by, ends_in: Duration::from_millis(ms) });
        assert_eq!(found, expected, "the last one has ended");
        assert_eq!(entries(b"", 0), []);
    }
}

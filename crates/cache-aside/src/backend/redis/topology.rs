//! Who serves which slot of a cluster: what one of its servers says (`View`), and what one server is known to have (`Part`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use deadpool_redis::redis::aio::ConnectionLike;
use deadpool_redis::redis::{ErrorKind, Pipeline, RedisError, RedisResult, Value, cmd, from_redis_value};

use crate::slot::{SLOTS, Slot};
use crate::timeline::Timeline;

/// In how many slots a server's incarnation is looked for, in case one is being moved.
const TAGS: usize = 3;

/// What a server says of its cluster (Redis manual, "CLUSTER SLOTS").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    /// Name of the server that was asked.
    pub(crate) id: String,
    pub(crate) ranges: Vec<Range>,
}

/// Slots that one server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Name of the server.
    pub(crate) id: String,
    /// Host, or nothing where it is that of the server that was asked; and port.
    pub(crate) address: (String, u16),
}

impl View {
    fn read(id: Value, slots: Value) -> Option<Self> {
        let Value::Array(slots) = slots else { return None };
        Some(Self {
            id: from_redis_value(id).ok()?,
            ranges: slots.into_iter().map(Range::read).collect::<Option<_>>()?,
        })
    }

    fn is_own(&self, slot: Slot) -> bool {
        self.ranges.iter().any(|range| range.id == self.id && (range.first..=range.last).contains(&slot.number()))
    }

    /// Whether the server that was asked has slots.
    pub(crate) fn has_own(&self) -> bool {
        self.ranges.iter().any(|range| range.id == self.id)
    }

    /// Numbers that are tags of keys which the server holds, always the same while its slots are.
    pub(crate) fn own_tags(&self) -> Vec<usize> {
        if !self.has_own() {
            return Vec::new();
        }
        (0..).filter(|tag: &usize| self.is_own(Slot::of(tag.to_string().as_bytes()))).take(TAGS).collect()
    }
}

impl Range {
    fn read(range: Value) -> Option<Self> {
        let Value::Array(range) = range else { return None };
        let [first, last, Value::Array(server), ..] = &range[..] else { return None };
        let [host, port, id, ..] = &server[..] else { return None };
        let host: Option<String> = from_redis_value(host.clone()).ok()?;
        Some(Self {
            first: from_redis_value(first.clone()).ok()?,
            last: from_redis_value(last.clone()).ok()?,
            id: from_redis_value(id.clone()).ok()?,
            address: (host.unwrap_or_default(), from_redis_value(port.clone()).ok()?),
        })
    }
}

/// The clocks of all servers of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Clocks(Mutex<HashMap<String, Weak<Timeline>>>);

impl Clocks {
    pub(crate) fn add(&self, address: &str, timeline: &Arc<Timeline>) {
        let mut clocks = self.lock();
        clocks.retain(|_, timeline| timeline.strong_count() > 0);
        clocks.insert(address.to_owned(), Arc::downgrade(timeline));
    }

    /// The latest that any of them may show, milliseconds since 1970; 0 if none is known.
    fn latest_ms(&self) -> u64 {
        let clocks = self.lock();
        clocks.values().filter_map(|timeline| timeline.upgrade()?.clock.latest_ms()).max().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Timeline>>> {
        // Whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One server of a cluster, as far as its cells are judged by it.
pub(crate) struct Part {
    /// Where the server is, as the others name it.
    address: String,
    clocks: Arc<Clocks>,
    /// After so long, milliseconds, no cell is there any more.
    lifetime_ms: u64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Slots that the server has, and since when: see `adopt_part.lua`.
    slots: String,
    /// Key under which the server kept its incarnation at the last look.
    key: Option<String>,
}

impl Part {
    pub(crate) fn new(address: String, clocks: Arc<Clocks>, lifetime_ms: u64) -> Self {
        Self { address, clocks, lifetime_ms, known: Mutex::default() }
    }

    /// Where the server is, as the others name it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What stands before the moment where it is announced that nothing of this server is valid from before it.
    pub(crate) fn words(&self) -> String {
        format!("S{} ", self.address)
    }

    /// What the server says of the cluster, and what its clock shows, microseconds since 1970, if that may be asked for.
    pub(crate) async fn ask(&self, connection: &mut impl ConnectionLike) -> RedisResult<(View, Option<u64>)> {
        let mut commands = Pipeline::with_capacity(3);
        commands.cmd("CLUSTER").arg("MYID");
        commands.cmd("CLUSTER").arg("SLOTS");
        commands.add_command(cmd("TIME"));
        let answers = connection.req_packed_commands(&commands, 0, 3).await?;
        let [id, slots, time] = <[Value; 3]>::try_from(answers).map_err(|_| not_understood())?;
        let view = View::read(id.extract_error()?, slots.extract_error()?).ok_or_else(not_understood)?;
        let time = time.extract_error().ok().and_then(|time| from_redis_value::<(u64, u64)>(time).ok());
        Ok((view, time.map(|(seconds, us)| seconds * 1_000_000 + us)))
    }

    pub(crate) fn slots(&self) -> String {
        self.known().slots.clone()
    }

    pub(crate) fn latest_ms(&self) -> u64 {
        self.clocks.latest_ms()
    }

    pub(crate) fn lifetime_ms(&self) -> String {
        self.lifetime_ms.to_string()
    }

    /// Where the server keeps its incarnation; `None` before the first look, and while it has no slots.
    pub(crate) fn key(&self) -> Option<String> {
        self.known().key.clone()
    }

    /// The server has these slots; it keeps its incarnation under this key.
    pub(crate) fn learn_slots(&self, slots: &str, key: Option<&str>, timeline: &Timeline) {
        let mut known = self.known();
        known.key = key.map(str::to_owned);
        if known.slots != slots {
            timeline.has_slots(slots.split_terminator(';').filter_map(range).flatten());
            slots.clone_into(&mut known.slots);
        }
    }

    /// Others were said to have these slots: since when the server has them is to be learned anew.
    pub(crate) fn lose(&self, lost: &[Slot], timeline: &Timeline) {
        let mut is_lost = vec![false; SLOTS];
        lost.iter().for_each(|slot| is_lost[slot.number()] = true);
        let mut known = self.known();
        let all = known.slots.split_terminator(';').filter_map(range).flatten();
        let kept: Vec<(Slot, u64)> = all.filter(|(slot, _)| !is_lost[slot.number()]).collect();
        known.slots = kept.iter().map(|(slot, at_ms)| format!("{0}-{0}@{at_ms:014};", slot.number())).collect();
        timeline.has_slots(kept);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Whole between any two statements.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `0-5460@01700000000000`: each slot with its moment.
fn range(text: &str) -> Option<impl Iterator<Item = (Slot, u64)>> {
    let (range, at_ms) = text.split_once('@')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, at_ms): (usize, usize, u64) = (first.parse().ok()?, last.parse().ok()?, at_ms.parse().ok()?);
    Some((first..=last).filter_map(Slot::numbered).map(move |slot| (slot, at_ms)))
}

fn not_understood() -> RedisError {
    RedisError::from((ErrorKind::UnexpectedReturnType, "Redis did not say who serves the slots of its cluster"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_slots_are_read_as_the_script_writes_them() {
        let slots: Vec<_> = "0-1@007;16383-16383@9;".split_terminator(';').filter_map(range).flatten().collect();
        let numbers: Vec<_> = slots.iter().map(|(slot, at_ms)| (slot.number(), *at_ms)).collect();
        assert_eq!(numbers, [(0, 7), (1, 7), (16_383, 9)]);
        assert!(range("x").is_none());
    }

    #[test]
    fn what_was_lost_is_not_had_until_the_server_says_so_again() {
        let validity = Arc::new(crate::validity::Validity::new());
        let timeline = Timeline::of_part(crate::clock::Clock::of_redis(), validity);
        let part = Part::new(String::new(), Arc::default(), 1);
        let since = || ["0", "42"].map(|id| timeline.valid_after_ms_of(id));
        let (other, slot) = (Slot::of_id("0").number(), Slot::of_id("42").number());
        let said = format!("{slot}-{slot}@00000000000007;{other}-{other}@00000000000007;");
        part.learn_slots(&said, None, &timeline);
        assert_eq!(since(), [7, 7]);
        part.lose(&[Slot::of_id("42")], &timeline);
        assert_eq!(since(), [7, u64::MAX]);
        assert_eq!(part.slots(), format!("{other}-{other}@00000000000007;"));
        part.learn_slots(&said, None, &timeline);
        assert_eq!(since(), [7, 7]);
    }

    #[test]
    fn tags_lie_in_slots_of_the_server_itself() {
        let range = |first, last, id: &str| Range { first, last, id: id.to_owned(), address: (String::new(), 1) };
        let view = |id: &str| View { id: id.to_owned(), ranges: vec![range(0, 99, "a"), range(100, 16_383, "b")] };
        assert_eq!(view("a").own_tags().len(), TAGS);
        assert!(view("a").own_tags().iter().all(|tag| Slot::of(tag.to_string().as_bytes()).number() < 100));
        assert_eq!(view("c").own_tags(), [0; 0]);
    }
}

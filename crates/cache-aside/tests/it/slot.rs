//! One id in a real Redis, and whether a script does there what `rules` says.

use bytes::Bytes;
use cache_aside::cell::{Cell, Kind};
use cache_aside::lease::{Lease, LeaseEntry, MAX_ENTRIES};
use cache_aside::rules::{
    self, Announcement, CellChange, CellState, Holder, LeaseNotes, LeaseResult, Offer, PutResult,
};
use deadpool_redis::redis::{Client, Connection, Script, Value, cmd};
use proptest::prelude::*;
use test_servers::{fresh_name, shared_redis};

pub(crate) const MINE: &str = "aaaaaaaaaaaaaaaa";
pub(crate) const OTHERS: &str = "bbbbbbbbbbbbbbbb";
const THIRD: &str = "cccccccccccccccc";
/// When entries ended that have ended, and when those end that have not (milliseconds since 1970): no test is so slow or so early.
pub(crate) const PAST: u64 = 1_000_000_000_000;
pub(crate) const FUTURE: u64 = 9_000_000_000_000;
/// When the cell was filled that is there before.
const FILLED_AT: u64 = 1_000;
/// How long leases last, milliseconds.
const LEASE_MS: u64 = 100_000;
/// A cell that a later release may have written.
const OTHER_LAYOUT: &str = "2V of a later release";

/// What is under the id before a script runs.
#[derive(Debug, Clone)]
pub(crate) struct Before {
    pub(crate) cell: Option<CellState>,
    pub(crate) lease: Lease<&'static str>,
}

/// An offer, the token it comes with (none: ''), and since when cells are floors.
pub(crate) type Put = (Before, Offer, &'static str, u64);
/// A version below which nothing is to be answered, and since when cells are floors.
pub(crate) type Invalidation = (Before, u64, u64);
/// Whether the caller saw the cell that is there (`None`: it did not look).
pub(crate) type Attempt = (Before, Option<bool>);

pub(crate) struct Slot {
    redis: Connection,
    announced: Connection,
    channel: String,
    control: String,
    pub(crate) cell: String,
    lease: String,
    stage: String,
}

impl Slot {
    pub(crate) fn new() -> Self {
        let name = fresh_name("slot");
        let client = Client::open(shared_redis().url()).unwrap();
        let mut announced = client.get_connection().unwrap();
        let control = format!("{name}:control");
        cmd("SUBSCRIBE").arg(&name).exec(&mut announced).unwrap();
        cmd("SUBSCRIBE").arg(&control).exec(&mut announced).unwrap();
        Self {
            redis: client.get_connection().unwrap(),
            announced,
            cell: format!("{{{name}}}"),
            lease: format!("{{{name}}}:lease"),
            stage: format!("{{{name}}}:stage"),
            channel: name,
            control,
        }
    }

    pub(crate) fn prepare(&mut self, before: &Before) {
        cmd("DEL").arg(&self.cell).arg(&self.lease).arg(&self.stage).exec(&mut self.redis).unwrap();
        if let Some(CellState { kind, version }) = before.cell {
            let body = if kind == Kind::Value { Bytes::from_static(b"old body") } else { Bytes::new() };
            let bytes = Cell { kind, version, filled_at_ms: FILLED_AT, cost_us: 1, body }.encode();
            cmd("SET").arg(&self.cell).arg(bytes).exec(&mut self.redis).unwrap();
        }
        if !before.lease.entries.is_empty() {
            let text = lease_text(&before.lease);
            cmd("SET").arg(&self.lease).arg(text).arg("PX").arg(LEASE_MS).exec(&mut self.redis).unwrap();
        }
    }

    /// As `Before` cannot say it: a cell of another layout.
    pub(crate) fn prepare_other_layout(&mut self) {
        self.prepare(&Before { cell: None, lease: held(MINE, Holder::Filler) });
        cmd("SET").arg(&self.cell).arg(OTHER_LAYOUT).exec(&mut self.redis).unwrap();
    }

    pub(crate) fn remove_lease(&mut self) {
        cmd("DEL").arg(&self.lease).exec(&mut self.redis).unwrap();
    }

    /// No cell, and under the name of the lease something that is no string.
    pub(crate) fn prepare_lease_of_another_type(&mut self) {
        self.prepare(&Before { cell: None, lease: Lease::default() });
        cmd("RPUSH").arg(&self.lease).arg("foreign").exec(&mut self.redis).unwrap();
    }

    /// Asks for the lease as somebody who saw no cell.
    pub(crate) fn lease_unlooked_at(&mut self, script: &Script) -> Result<String, String> {
        self.lease(script, MINE, "")
    }

    fn lease(&mut self, script: &Script, token: &str, seen: &str) -> Result<String, String> {
        let mut call = script.key(&self.cell);
        call.key(&self.lease).arg(token).arg(LEASE_MS).arg(seen);
        call.invoke(&mut self.redis).map_err(|error| error.to_string())
    }

    pub(crate) fn put(&mut self, script: &Script, offer: Offer, token: &str, since: u64) -> Result<String, String> {
        if let Offer::Value(version) = offer {
            let body = Bytes::from_static(b"new body");
            let cell = Cell { kind: Kind::Value, version, filled_at_ms: 2, cost_us: 2, body };
            cmd("SET").arg(&self.stage).arg(cell.encode()).arg("PX").arg(100_000).exec(&mut self.redis).unwrap();
        }
        self.put_staged(script, offer, token, since)
    }

    pub(crate) fn put_staged(
        &mut self,
        script: &Script,
        offer: Offer,
        token: &str,
        since: u64,
    ) -> Result<String, String> {
        let (kind, version) = match offer {
            Offer::Value(version) => ("V", version),
            Offer::Absence(version) => ("N", version),
        };
        let mut call = script.key(&self.cell);
        call.key(&self.lease).key(&self.stage).arg(token).arg(kind).arg(format!("{version:016}"));
        call.arg(100_000).arg(100_000).arg(&self.channel).arg("id").arg(format!("{:014}{:08}", 2, 2));
        call.arg(format!("{since:014}")).arg(&self.control);
        call.invoke(&mut self.redis).map_err(|error| error.to_string())
    }

    fn cell(&mut self) -> Result<Option<Cell>, String> {
        let bytes: Option<Vec<u8>> = cmd("GET").arg(&self.cell).query(&mut self.redis).unwrap();
        let decoded = bytes.map(|bytes| Cell::decode(bytes.into()).ok_or("no cell of our layout".to_owned()));
        decoded.transpose()
    }

    pub(crate) fn state(&mut self) -> Result<Option<CellState>, String> {
        Ok(self.cell()?.map(|cell| CellState { kind: cell.kind, version: cell.version }))
    }

    /// The lease as it is; those entries that were made just now end at [`FUTURE`].
    fn held(&mut self) -> Result<Lease<String>, String> {
        let text: Option<String> = cmd("GET").arg(&self.lease).query(&mut self.redis).unwrap();
        let Some(text) = text else { return Ok(Lease::default()) };
        let (ends, no_lease) = (self.now_ms() + LEASE_MS, || format!("{text:?} is no lease"));
        let entries = text.get(1..).ok_or_else(no_lease)?.as_bytes().chunks(47).map(|entry| {
            let part = |range| entry.get(range).and_then(|part| std::str::from_utf8(part).ok()).ok_or_else(no_lease);
            let until_ms: u64 = part(34..47)?.parse().map_err(|_| no_lease())?;
            let just_now = ends.abs_diff(until_ms) < 60_000;
            Ok(LeaseEntry {
                token: part(0..16)?.to_owned(),
                notes: LeaseNotes { floor: part(16..32)?.parse().map_err(|_| no_lease())?, gone: part(32..33)? == "1" },
                by: if part(33..34)? == "F" { Holder::Filler } else { Holder::Writer },
                until_ms: if just_now { FUTURE } else { until_ms },
            })
        });
        Ok(Lease { entries: entries.collect::<Result<_, String>>()?, waiting: text.starts_with('1') })
    }

    fn now_ms(&mut self) -> u64 {
        let (seconds, microseconds): (u64, u64) = cmd("TIME").query(&mut self.redis).unwrap();
        seconds * 1_000 + microseconds / 1_000
    }

    pub(crate) fn is_staged(&mut self) -> bool {
        cmd("EXISTS").arg(&self.stage).query(&mut self.redis).unwrap()
    }

    pub(crate) fn invalidate(&mut self, script: &Script, version: u64, since: u64) -> Result<String, String> {
        let mut call = script.key(&self.cell);
        call.key(&self.lease).arg(format!("{version:016}")).arg(100_000).arg(&self.channel).arg("id");
        call.arg(format!("{since:014}"));
        call.invoke(&mut self.redis).map_err(|error| error.to_string())
    }

    fn ends_by_itself(&mut self, key: &str) -> bool {
        let ttl: i64 = cmd("PTTL").arg(key).query(&mut self.redis).unwrap();
        ttl > 0
    }

    /// What was announced since the last time on either channel, up to a mark of our own.
    fn announcements(&mut self) -> Vec<String> {
        cmd("PUBLISH").arg(&self.channel).arg("mark").exec(&mut self.redis).unwrap();
        let mut heard = Vec::new();
        loop {
            let text = match self.announced.recv_response().unwrap() {
                Value::Array(mut parts) | Value::Push { data: mut parts, .. } => match parts.pop() {
                    Some(Value::BulkString(text)) => String::from_utf8(text).unwrap(),
                    other => panic!("{other:?} is no announcement"),
                },
                other => panic!("{other:?} is no announcement"),
            };
            if text == "mark" {
                return heard;
            }
            heard.push(text);
        }
    }

    fn agree<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, expected: &T) -> Result<(), String> {
        if is == expected { Ok(()) } else { Err(format!("{what}: {is:?}, and the rules say {expected:?}")) }
    }

    /// Runs a put, and compares everything it did with what the rules say.
    pub(crate) fn check_put(&mut self, script: &Script, (before, offer, token, since): Put) -> Result<(), String> {
        self.prepare(&before);
        let now_ms = self.now_ms();
        let (cell, own) = (before.known(since), before.lease.notes(token, now_ms));
        let expected = rules::put(cell, own, offer);
        let word = match expected.result {
            PutResult::Stored => "stored",
            PutResult::Raised => "raised",
            PutResult::Refused => "refused",
        };
        Self::agree("the answer", &self.put(script, offer, token, since)?, &word.to_owned())?;
        let stored = expected.result == PutResult::Stored;
        let mut lease = before.lease.clone();
        lease.release(token);
        lease.note(offer, now_ms);
        let wakes = lease.wakes(stored);
        self.check_after(&before, expected.cell, &lease)?;
        if let (Some(cell), CellChange::Set(_)) = (self.cell()?, expected.cell) {
            let body = if stored && cell.kind == Kind::Value { &b"new body"[..] } else { b"" };
            Self::agree("the body", &&cell.body[..], &body)?;
            let filled_at = if stored { 2 } else { self.now_ms() };
            Self::agree("it was filled at its time", &(cell.filled_at_ms.abs_diff(filled_at) < 60_000), &true)?;
        }
        let announced = expected.announce.map(|announcement| match announcement {
            Announcement::Value(version) => format!("V{version:016}id"),
            Announcement::Absence(version) => format!("N{version:016}id"),
        });
        let mut announced: Vec<String> = announced.into_iter().collect();
        announced.extend(wakes.then(|| "Wid".to_owned()));
        Self::agree("announced", &self.announcements(), &announced)?;
        Self::agree("left on the stage", &self.is_staged(), &false)
    }

    /// As [`Slot::check_put`], of an invalidation.
    pub(crate) fn check_invalidation(
        &mut self,
        script: &Script,
        (before, version, since): Invalidation,
    ) -> Result<(), String> {
        let cell = rules::invalidate(before.known(since), version);
        self.prepare(&before);
        let answer = self.invalidate(script, version, since)?;
        let changes = cell != CellChange::Keep;
        Self::agree("the answer", &answer, &if changes { "raised" } else { "kept" }.to_owned())?;
        let mut lease = before.lease.clone();
        lease.note(Offer::Value(version), self.now_ms());
        self.check_after(&before, cell, &lease)?;
        if let (true, Some(cell)) = (changes, self.cell()?) {
            Self::agree("it was filled now", &(cell.filled_at_ms.abs_diff(self.now_ms()) < 60_000), &true)?;
        }
        let announced = changes.then(|| format!("V{version:016}id"));
        Self::agree("announced", &self.announcements(), &announced.into_iter().collect())
    }

    /// As [`Slot::check_put`], of a reader's attempt to get the lease.
    pub(crate) fn check_lease(&mut self, script: &Script, (before, saw_it): Attempt) -> Result<(), String> {
        self.prepare(&before);
        let held = before.lease.held(self.now_ms());
        let expected = rules::lease(before.cell.map(|cell| cell.kind), saw_it == Some(false), held);
        let seen = match (saw_it, before.cell) {
            (None, _) => "*".to_owned(),
            (Some(true), Some(_)) => {
                let bytes = self.cell()?.map(|cell| cell.encode()).unwrap_or_default();
                String::from_utf8(bytes[1..32].to_vec()).unwrap()
            }
            (Some(true), None) => String::new(),
            // A cell of another moment; or one, where there is none now.
            (Some(false), _) => format!("V{:016}{:014}", 1, 0),
        };
        let answer = self.lease(script, MINE, &seen)?;
        let mut lease = before.lease.clone();
        match expected {
            LeaseResult::Taken => lease.fill(MINE, self.now_ms(), FUTURE),
            LeaseResult::Held { .. } => lease.waiting = true,
            LeaseResult::Filled => {}
        }
        let right = match expected {
            LeaseResult::Taken => answer == "taken",
            LeaseResult::Filled => answer == "filled",
            LeaseResult::Held { .. } => {
                let left = answer.strip_prefix("held ").and_then(|left| left.parse::<u64>().ok()).unwrap_or_default();
                left.abs_diff(FUTURE - self.now_ms()) < 60_000
            }
        };
        Self::agree(&format!("{answer} is the answer for {expected:?}"), &right, &true)?;
        self.check_after(&before, CellChange::Keep, &lease)
    }

    /// As [`Slot::check_put`], of a writer that enters the lease.
    pub(crate) fn check_write(&mut self, script: &Script, before: Before) -> Result<(), String> {
        self.prepare(&before);
        let mut lease = before.lease.clone();
        lease.write(MINE, self.now_ms(), FUTURE);
        self.enter(script)?;
        self.check_after(&before, CellChange::Keep, &lease)
    }

    /// Enters the lease as a writer.
    pub(crate) fn enter(&mut self, script: &Script) -> Result<String, String> {
        let mut call = script.key(&self.lease);
        call.arg(MINE).arg(LEASE_MS).arg(47 * MAX_ENTRIES);
        call.invoke(&mut self.redis).map_err(|error| error.to_string())
    }

    /// As [`Slot::check_put`], of an entry that is given back.
    pub(crate) fn check_release(&mut self, script: &Script, before: Before) -> Result<(), String> {
        self.prepare(&before);
        let mut lease = before.lease.clone();
        let wakes = lease.release(MINE) && lease.wakes(false);
        let mut call = script.key(&self.lease);
        call.arg(MINE).arg(&self.control).arg("id");
        call.invoke::<u8>(&mut self.redis).map_err(|error| error.to_string())?;
        self.check_after(&before, CellChange::Keep, &lease)?;
        let announced = wakes.then(|| "Wid".to_owned());
        Self::agree("announced", &self.announcements(), &announced.into_iter().collect())
    }

    /// As [`Slot::check_put`], of a removal.
    pub(crate) fn check_removal(&mut self, script: &Script, before: Before) -> Result<(), String> {
        self.prepare(&before);
        self.remove_prepared(script)?;
        let mut announced = vec![format!("D{:016}id", 0)];
        announced.extend(before.lease.waiting.then(|| "Wid".to_owned()));
        Self::agree("announced", &self.announcements(), &announced)
    }

    /// Removes whatever is there.
    pub(crate) fn remove_prepared(&mut self, script: &Script) -> Result<(), String> {
        let mut call = script.key(&self.cell);
        call.key(&self.lease).arg(&self.channel).arg("id").arg(&self.control);
        call.invoke::<String>(&mut self.redis).map_err(|error| error.to_string())?;
        let left: u64 = cmd("EXISTS").arg(&self.cell).arg(&self.lease).query(&mut self.redis).unwrap();
        Self::agree("what is left", &left, &0)
    }

    fn check_after(&mut self, before: &Before, cell: CellChange, lease: &Lease<&str>) -> Result<(), String> {
        let state = match cell {
            CellChange::Keep => before.cell,
            CellChange::Set(state) => Some(state),
        };
        Self::agree("the cell", &self.state()?, &state)?;
        if cell != CellChange::Keep {
            let key = self.cell.clone();
            Self::agree("a changed cell ends by itself", &self.ends_by_itself(&key), &true)?;
        }
        let entries = lease.entries.iter().map(|entry| LeaseEntry { token: entry.token.to_owned(), ..copied(entry) });
        let (held, key) = (self.held()?, self.lease.clone());
        Self::agree("who is at work", &held.entries, &entries.collect())?;
        if !held.entries.is_empty() {
            Self::agree("whether somebody waits", &held.waiting, &lease.waiting)?;
        }
        let exists: bool = cmd("EXISTS").arg(&key).query(&mut self.redis).unwrap();
        Self::agree("a lease ends by itself", &self.ends_by_itself(&key), &exists)
    }
}

fn copied(entry: &LeaseEntry<&str>) -> LeaseEntry<String> {
    let LeaseEntry { notes, by, until_ms, .. } = *entry;
    LeaseEntry { token: String::new(), notes, by, until_ms }
}

impl Before {
    fn known(&self, since: u64) -> Option<CellState> {
        self.cell.map(|cell| cell.as_of(FILLED_AT, since))
    }
}

/// Somebody at work who has noted nothing yet.
pub(crate) fn held(token: &'static str, by: Holder) -> Lease<&'static str> {
    let entry = LeaseEntry { token, notes: LeaseNotes::default(), by, until_ms: FUTURE };
    Lease { entries: vec![entry], waiting: false }
}

fn lease_text(lease: &Lease<&str>) -> String {
    let mut text = u8::from(lease.waiting).to_string();
    for LeaseEntry { token, notes, by, until_ms } in &lease.entries {
        let by = if *by == Holder::Filler { 'F' } else { 'W' };
        text += &format!("{token}{:016}{}{by}{until_ms:013}", notes.floor, u8::from(notes.gone));
    }
    text
}

/// Few versions, so that all orders between cell, lease and offer come up.
pub(crate) fn version() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1u64..5, Just(9_007_199_254_740_990), Just(9_007_199_254_740_991)]
}

fn entry(token: &'static str, by: Holder) -> impl Strategy<Value = LeaseEntry<&'static str>> {
    (version(), any::<bool>(), prop::bool::weighted(0.8)).prop_map(move |(floor, gone, at_work)| {
        let until_ms = if at_work { FUTURE } else { PAST };
        LeaseEntry { token, notes: LeaseNotes { floor, gone }, by, until_ms }
    })
}

/// Up to three at work, one of them perhaps a reader, some of whom have come to their end.
fn lease() -> impl Strategy<Value = Lease<&'static str>> {
    let one = |by| prop::sample::select(vec![MINE, OTHERS]).prop_flat_map(move |token| entry(token, by));
    let filler = prop::option::of(0..3usize);
    let (mine, other, third) =
        (entry(MINE, Holder::Writer), entry(OTHERS, Holder::Writer), entry(THIRD, Holder::Writer));
    let entries = prop_oneof![
        Just(Vec::new()),
        one(Holder::Filler).prop_map(|entry| vec![entry]),
        one(Holder::Writer).prop_map(|entry| vec![entry]),
        (mine, other, third, filler).prop_map(|(mine, other, third, filler)| {
            let mut entries = vec![other, mine, third];
            if let Some(filler) = filler {
                entries[filler].by = Holder::Filler;
            }
            entries
        }),
    ];
    (entries, any::<bool>()).prop_map(|(entries, waiting)| {
        let waiting = waiting && !entries.is_empty();
        Lease { entries, waiting }
    })
}

pub(crate) fn before() -> impl Strategy<Value = Before> {
    let kinds = prop::sample::select(vec![Kind::Value, Kind::Absent, Kind::Tombstone]);
    let cell = (kinds, version()).prop_map(|(kind, version)| CellState { kind, version });
    (prop::option::of(cell), lease()).prop_map(|(cell, lease)| Before { cell, lease })
}

/// Since when cells are floors: mostly the one that is there is.
fn since() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, FILLED_AT, FILLED_AT, FILLED_AT + 1])
}

pub(crate) fn puts() -> impl Strategy<Value = Put> {
    let offers = prop_oneof![version().prop_map(Offer::Value), version().prop_map(Offer::Absence)];
    (before(), offers, prop::sample::select(vec![MINE, MINE, ""]), since())
}

pub(crate) fn invalidations() -> impl Strategy<Value = Invalidation> {
    (before(), version(), since())
}

pub(crate) fn attempts() -> impl Strategy<Value = Attempt> {
    (before(), any::<Option<bool>>())
}

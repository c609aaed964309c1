//! One id in a real Redis, and whether a script does there what `rules` says.

use bytes::Bytes;
use cache_aside::cell::{Cell, Kind};
use cache_aside::rules::PutResult;
use cache_aside::rules::{self, Announcement, CellChange, CellState, LeaseChange, LeaseNotes, LeaseResult, Offer};
use deadpool_redis::redis::{Client, Connection, Script, Value, cmd};
use proptest::prelude::*;
use test_servers::{fresh_name, shared_redis};

pub(crate) const MINE: &str = "aaaaaaaaaaaaaaaa";
const OTHERS: &str = "bbbbbbbbbbbbbbbb";
/// A cell that a later release may have written.
const OTHER_LAYOUT: &str = "2V of a later release";

/// What is under the id before a script runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    pub(crate) cell: Option<CellState>,
    /// Its notes, and whether it is the caller's.
    pub(crate) lease: Option<(LeaseNotes, bool)>,
}

/// An offer, and the token it comes with (none: '').
pub(crate) type Put = (Before, Offer, &'static str);
/// A version below which nothing is to be answered.
pub(crate) type Invalidation = (Before, u64);
/// Whether the caller saw the cell that is there (`None`: it did not look).
pub(crate) type Lease = (Before, Option<bool>);

pub(crate) struct Slot {
    redis: Connection,
    announced: Connection,
    channel: String,
    pub(crate) cell: String,
    lease: String,
    stage: String,
}

impl Slot {
    pub(crate) fn new() -> Self {
        let name = fresh_name("slot");
        let client = Client::open(shared_redis().url()).unwrap();
        let mut announced = client.get_connection().unwrap();
        cmd("SUBSCRIBE").arg(&name).exec(&mut announced).unwrap();
        Self {
            redis: client.get_connection().unwrap(),
            announced,
            cell: format!("{{{name}}}"),
            lease: format!("{{{name}}}:lease"),
            stage: format!("{{{name}}}:stage"),
            channel: name,
        }
    }

    pub(crate) fn prepare(&mut self, before: Before) {
        cmd("DEL").arg(&self.cell).arg(&self.lease).arg(&self.stage).exec(&mut self.redis).unwrap();
        if let Some(CellState { kind, version }) = before.cell {
            let body = if kind == Kind::Value { Bytes::from_static(b"old body") } else { Bytes::new() };
            let bytes = Cell { kind, version, filled_at_ms: 1, cost_us: 1, body }.encode();
            cmd("SET").arg(&self.cell).arg(bytes).exec(&mut self.redis).unwrap();
        }
        if let Some((notes, mine)) = before.lease {
            let token = if mine { MINE } else { OTHERS };
            let text = format!("{token}{:016}{}", notes.floor, u8::from(notes.gone));
            cmd("SET").arg(&self.lease).arg(text).arg("PX").arg(100_000).exec(&mut self.redis).unwrap();
        }
    }

    /// As `Before` cannot say it: a cell of another layout.
    pub(crate) fn prepare_other_layout(&mut self) {
        self.prepare(Before { cell: None, lease: Some((LeaseNotes::default(), true)) });
        cmd("SET").arg(&self.cell).arg(OTHER_LAYOUT).exec(&mut self.redis).unwrap();
    }

    pub(crate) fn remove_lease(&mut self) {
        cmd("DEL").arg(&self.lease).exec(&mut self.redis).unwrap();
    }

    /// No cell, and under the name of the lease something that is no string.
    pub(crate) fn prepare_lease_of_another_type(&mut self) {
        self.prepare(Before { cell: None, lease: None });
        cmd("RPUSH").arg(&self.lease).arg("foreign").exec(&mut self.redis).unwrap();
    }

    /// Asks for the lease as somebody who saw no cell.
    pub(crate) fn lease_unlooked_at(&mut self, script: &Script) -> Result<String, String> {
        let lease = format!("{MINE}{:016}0", 0);
        let mut call = script.key(&self.cell);
        call.key(&self.lease).arg(&lease).arg(100_000).arg("");
        call.invoke(&mut self.redis).map_err(|error| error.to_string())
    }

    pub(crate) fn put(&mut self, script: &Script, offer: Offer, token: &str) -> Result<String, String> {
        if let Offer::Value(version) = offer {
            let body = Bytes::from_static(b"new body");
            let cell = Cell { kind: Kind::Value, version, filled_at_ms: 2, cost_us: 2, body };
            cmd("SET").arg(&self.stage).arg(cell.encode()).arg("PX").arg(100_000).exec(&mut self.redis).unwrap();
        }
        self.put_staged(script, offer, token)
    }

    pub(crate) fn put_staged(&mut self, script: &Script, offer: Offer, token: &str) -> Result<String, String> {
        let (kind, version) = match offer {
            Offer::Value(version) => ("V", version),
            Offer::Absence(version) => ("N", version),
        };
        let mut call = script.key(&self.cell);
        call.key(&self.lease).key(&self.stage).arg(token).arg(kind).arg(format!("{version:016}"));
        call.arg(100_000).arg(100_000).arg(&self.channel).arg("id").arg(format!("{:014}{:08}", 2, 2));
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

    fn notes(&mut self) -> Option<LeaseNotes> {
        let text: Option<String> = cmd("GET").arg(&self.lease).query(&mut self.redis).unwrap();
        text.map(|text| LeaseNotes { floor: text[16..32].parse().unwrap(), gone: &text[32..] == "1" })
    }

    pub(crate) fn is_staged(&mut self) -> bool {
        cmd("EXISTS").arg(&self.stage).query(&mut self.redis).unwrap()
    }

    pub(crate) fn invalidate(&mut self, script: &Script, version: u64) -> Result<String, String> {
        let mut call = script.key(&self.cell);
        call.key(&self.lease).arg(format!("{version:016}")).arg(100_000).arg(&self.channel).arg("id");
        call.invoke(&mut self.redis).map_err(|error| error.to_string())
    }

    fn ends_by_itself(&mut self, key: &str) -> bool {
        let ttl: i64 = cmd("PTTL").arg(key).query(&mut self.redis).unwrap();
        ttl > 0
    }

    /// What was announced since the last time, up to a mark of our own.
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
    pub(crate) fn check_put(&mut self, script: &Script, (before, offer, token): Put) -> Result<(), String> {
        let notes = before.lease.map(|(notes, _)| notes);
        let own = token == MINE && before.lease.is_some_and(|(_, mine)| mine);
        let expected = rules::put(before.cell, notes, own, offer);
        self.prepare(before);
        let word = match expected.result {
            PutResult::Stored => "stored",
            PutResult::Raised => "raised",
            PutResult::Refused => "refused",
        };
        Self::agree("the answer", &self.put(script, offer, token)?, &word.to_owned())?;
        self.check_after(before, expected.cell, expected.lease)?;
        if let (Some(cell), CellChange::Set(_)) = (self.cell()?, expected.cell) {
            let stored = expected.result == PutResult::Stored;
            let body = if stored && cell.kind == Kind::Value { &b"new body"[..] } else { b"" };
            Self::agree("the body", &&cell.body[..], &body)?;
            Self::agree("when it was filled", &cell.filled_at_ms, &if stored { 2 } else { 0 })?;
        }
        let announced = expected.announce.map(|announcement| match announcement {
            Announcement::Value(version) => format!("V{version:016}id"),
            Announcement::Absence(version) => format!("N{version:016}id"),
        });
        Self::agree("announced", &self.announcements(), &announced.into_iter().collect())?;
        Self::agree("left on the stage", &self.is_staged(), &false)
    }

    /// As [`Slot::check_put`], of an invalidation.
    pub(crate) fn check_invalidation(
        &mut self,
        script: &Script,
        (before, version): Invalidation,
    ) -> Result<(), String> {
        let (cell, lease) = rules::invalidate(before.cell, before.lease.map(|(notes, _)| notes), version);
        self.prepare(before);
        let answer = self.invalidate(script, version)?;
        let changes = cell != CellChange::Keep;
        Self::agree("the answer", &answer, &if changes { "raised" } else { "kept" }.to_owned())?;
        self.check_after(before, cell, lease)?;
        let announced = changes.then(|| format!("V{version:016}id"));
        Self::agree("announced", &self.announcements(), &announced.into_iter().collect())
    }

    /// As [`Slot::check_put`], of an attempt to get the lease.
    pub(crate) fn check_lease(&mut self, script: &Script, (before, saw_it): Lease) -> Result<(), String> {
        let taken = before.lease.is_some();
        let expected = rules::lease(before.cell.map(|cell| cell.kind), saw_it == Some(false), taken);
        self.prepare(before);
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
        let lease = format!("{MINE}{:016}0", 0);
        let mut call = script.key(&self.cell);
        call.key(&self.lease).arg(&lease).arg(100_000).arg(seen);
        let answer: String = call.invoke(&mut self.redis).map_err(|error| error.to_string())?;
        let word = match expected {
            LeaseResult::Taken => "taken",
            LeaseResult::Held => "held",
            LeaseResult::Filled => "filled",
        };
        Self::agree("the answer", &answer, &word.to_owned())?;
        let notes = before.lease.map(|(notes, _)| notes);
        let after = if expected == LeaseResult::Taken { Some(LeaseNotes::default()) } else { notes };
        Self::agree("the lease", &self.notes(), &after)?;
        let key = self.lease.clone();
        Self::agree("the lease ends by itself", &self.ends_by_itself(&key), &after.is_some())?;
        Self::agree("the cell", &self.state()?, &before.cell)
    }

    fn check_after(&mut self, before: Before, cell: CellChange, lease: LeaseChange) -> Result<(), String> {
        let state = match cell {
            CellChange::Keep => before.cell,
            CellChange::Set(state) => Some(state),
        };
        Self::agree("the cell", &self.state()?, &state)?;
        if cell != CellChange::Keep {
            let key = self.cell.clone();
            Self::agree("a changed cell ends by itself", &self.ends_by_itself(&key), &true)?;
        }
        let notes = match lease {
            LeaseChange::Release => None,
            LeaseChange::Note(notes) => before.lease.and(Some(notes)),
        };
        Self::agree("the lease", &self.notes(), &notes)?;
        let key = self.lease.clone();
        Self::agree("a noted lease still ends by itself", &self.ends_by_itself(&key), &notes.is_some())
    }
}

/// Few versions, so that all orders between cell, lease and offer come up.
pub(crate) fn version() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1u64..5, Just(9_007_199_254_740_990), Just(9_007_199_254_740_991)]
}

pub(crate) fn before() -> impl Strategy<Value = Before> {
    let kinds = prop::sample::select(vec![Kind::Value, Kind::Absent, Kind::Tombstone]);
    let cell = (kinds, version()).prop_map(|(kind, version)| CellState { kind, version });
    let notes = (version(), any::<bool>()).prop_map(|(floor, gone)| LeaseNotes { floor, gone });
    (prop::option::of(cell), prop::option::of((notes, any::<bool>()))).prop_map(|(cell, lease)| Before { cell, lease })
}

pub(crate) fn puts() -> impl Strategy<Value = Put> {
    let offers = prop_oneof![version().prop_map(Offer::Value), version().prop_map(Offer::Absence)];
    (before(), offers, prop::sample::select(vec![MINE, ""]))
}

pub(crate) fn invalidations() -> impl Strategy<Value = Invalidation> {
    (before(), version())
}

pub(crate) fn leases() -> impl Strategy<Value = Lease> {
    (before(), any::<Option<bool>>())
}

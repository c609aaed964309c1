//! One id in a real Redis, and whether a script does there what `rules` says.
//!
//! - [`Slot`]: what is under the id. `checks`: what scripts do with it. `cases`: what may be there before.

mod cases;
mod checks;

use bytes::Bytes;
use cache_aside::cell::{Cell, Kind};
use cache_aside::lease::{Lease, LeaseEntry};
use cache_aside::rules::{CellState, Holder, LeaseNotes, Offer};
use deadpool_redis::redis::{Client, Connection, Script, Value, cmd};
use test_servers::{fresh_name, shared_redis};

pub(crate) use self::cases::{attempts, before, invalidations, puts};

pub(crate) const MINE: &str = "aaaaaaaaaaaaaaaa";
pub(crate) const OTHERS: &str = "bbbbbbbbbbbbbbbb";
/// When entries ended that have ended, and when those end that have not (milliseconds since 1970): no test is so slow or so early.
pub(crate) const PAST: u64 = 1_000_000_000_000;
pub(crate) const FUTURE: u64 = 9_000_000_000_000;
/// When the cell was filled that is there before.
const FILLED_AT: u64 = 1_000;
/// How long leases last, milliseconds.
const LEASE_MS: u64 = 100_000;
/// What is no cell: of a later release, of another program, damaged.
pub(crate) const OTHER_LAYOUTS: [&str; 7] = [
    "2V18210661335040010173670000012300001234 of a later release",
    "12345",
    "1X18210661335040010173670000012300001234{}",
    "1Va8210661335040010173670000012300001234{}",
    "1V90071992547409920173670000012300001234{}",
    "1V18210661335040010173670000012300001x34{}",
    "1V1821066133504001017367000001230000123",
];

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
    pub(crate) fn prepare_other_layout(&mut self, other: &str) {
        self.prepare(&Before { cell: None, lease: held(MINE, Holder::Filler) });
        cmd("SET").arg(&self.cell).arg(other).exec(&mut self.redis).unwrap();
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

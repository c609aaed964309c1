//! The scripts in Redis decide as `rules` does, over generated cells, leases and offers.

use std::sync::LazyLock;

use bytes::Bytes;
use cache_aside::cell::{Cell, Kind};
use cache_aside::rules::{self, CellChange, CellState, LeaseChange, LeaseNotes, Offer, PutResult};
use deadpool_redis::redis::{Client, Connection, Script, cmd};
use proptest::prelude::*;
use test_servers::{fresh_name, shared_redis};

static PUT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../src/redis/put.lua")));
static INVALIDATE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../src/redis/invalidate.lua")));

const MINE: &str = "aaaaaaaaaaaaaaaa";
const OTHERS: &str = "bbbbbbbbbbbbbbbb";

/// One id in Redis.
struct Slot {
    redis: Connection,
    cell: String,
    lease: String,
    stage: String,
}

impl Slot {
    fn new() -> Self {
        let name = fresh_name("slot");
        let redis = Client::open(shared_redis().url()).unwrap().get_connection().unwrap();
        Self {
            redis,
            cell: format!("{{{name}}}"),
            lease: format!("{{{name}}}:lease"),
            stage: format!("{{{name}}}:stage"),
        }
    }

    fn prepare(&mut self, cell: Option<CellState>, lease: Option<(LeaseNotes, bool)>) {
        cmd("DEL").arg(&self.cell).arg(&self.lease).arg(&self.stage).exec(&mut self.redis).unwrap();
        if let Some(CellState { kind, version }) = cell {
            let body = if kind == Kind::Value { Bytes::from_static(b"old body") } else { Bytes::new() };
            let bytes = Cell { kind, version, filled_at_ms: 1, cost_us: 1, body }.encode();
            cmd("SET").arg(&self.cell).arg(bytes).exec(&mut self.redis).unwrap();
        }
        if let Some((notes, mine)) = lease {
            let token = if mine { MINE } else { OTHERS };
            let text = format!("{token}{:016}{}", notes.floor, u8::from(notes.gone));
            cmd("SET").arg(&self.lease).arg(text).arg("PX").arg(100_000).exec(&mut self.redis).unwrap();
        }
    }

    fn put(&mut self, offer: Offer, token: &str) -> String {
        let (kind, version) = match offer {
            Offer::Value(version) => ("V", version),
            Offer::Absence(version) => ("N", version),
        };
        if kind == "V" {
            let body = Bytes::from_static(b"new body");
            let cell = Cell { kind: Kind::Value, version, filled_at_ms: 2, cost_us: 2, body };
            cmd("SET").arg(&self.stage).arg(cell.encode()).arg("PX").arg(100_000).exec(&mut self.redis).unwrap();
        }
        PUT.key(&self.cell)
            .key(&self.lease)
            .key(&self.stage)
            .arg(token)
            .arg(kind)
            .arg(format!("{version:016}"))
            .arg(100_000)
            .arg(100_000)
            .arg("channel")
            .arg("id")
            .arg(format!("{:014}{:08}", 2, 2))
            .invoke(&mut self.redis)
            .unwrap()
    }

    fn invalidate(&mut self, version: u64) {
        INVALIDATE
            .key(&self.cell)
            .key(&self.lease)
            .arg(format!("{version:016}"))
            .arg(100_000)
            .arg("channel")
            .arg("id")
            .invoke::<String>(&mut self.redis)
            .unwrap();
    }

    fn cell(&mut self) -> Option<Cell> {
        let bytes: Option<Vec<u8>> = cmd("GET").arg(&self.cell).query(&mut self.redis).unwrap();
        bytes.map(|bytes| Cell::decode(bytes.into()).expect("a cell of our layout"))
    }

    fn notes(&mut self) -> Option<LeaseNotes> {
        let text: Option<String> = cmd("GET").arg(&self.lease).query(&mut self.redis).unwrap();
        text.map(|text| LeaseNotes { floor: text[16..32].parse().unwrap(), gone: &text[32..] == "1" })
    }

    fn has_ttl(&mut self, key: &str) -> bool {
        let ttl: i64 = cmd("PTTL").arg(key).query(&mut self.redis).unwrap();
        ttl > 0
    }

    fn is_staged(&mut self) -> bool {
        cmd("EXISTS").arg(&self.stage).query(&mut self.redis).unwrap()
    }
}

/// Few versions, so that all orders between cell, lease and offer come up.
fn version() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1u64..5, Just(9_007_199_254_740_990), Just(9_007_199_254_740_991)]
}

fn cell_state() -> impl Strategy<Value = CellState> {
    (prop::sample::select(vec![Kind::Value, Kind::Absent, Kind::Tombstone]), version())
        .prop_map(|(kind, version)| CellState { kind, version })
}

fn lease() -> impl Strategy<Value = (LeaseNotes, bool)> {
    (version(), any::<bool>(), any::<bool>()).prop_map(|(floor, gone, mine)| (LeaseNotes { floor, gone }, mine))
}

fn state_after(before: Option<CellState>, change: CellChange) -> Option<CellState> {
    match change {
        CellChange::Keep => before,
        CellChange::Set(state) => Some(state),
    }
}

fn notes_after(before: Option<LeaseNotes>, change: LeaseChange) -> Option<LeaseNotes> {
    match change {
        LeaseChange::Release => None,
        LeaseChange::Note(notes) => before.and(Some(notes)),
    }
}

#[test]
fn put_lua_decides_as_the_rules_do() {
    let slot = std::cell::RefCell::new(Slot::new());
    let cases = (
        prop::option::of(cell_state()),
        prop::option::of(lease()),
        prop_oneof![version().prop_map(Offer::Value), version().prop_map(Offer::Absence)],
        prop::sample::select(vec![MINE, ""]),
    );
    let config = ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((cell, lease, offer, token) in cases)| {
        let mut slot = slot.borrow_mut();
        let notes = lease.map(|(notes, _)| notes);
        let own = token == MINE && lease.is_some_and(|(_, mine)| mine);
        let expected = rules::put(cell, notes, own, offer);

        slot.prepare(cell, lease);
        let answer = slot.put(offer, token);

        let word = match expected.result {
            PutResult::Stored => "stored",
            PutResult::Raised => "raised",
            PutResult::Refused => "refused",
        };
        prop_assert_eq!(answer, word);
        let after = slot.cell();
        let state = after.as_ref().map(|cell| CellState { kind: cell.kind, version: cell.version });
        prop_assert_eq!(state, state_after(cell, expected.cell));
        if let (Some(after), CellChange::Set(_)) = (&after, expected.cell) {
            let stored = expected.result == PutResult::Stored && matches!(offer, Offer::Value(_));
            prop_assert_eq!(&after.body[..], if stored { &b"new body"[..] } else { b"" });
            let key = slot.cell.clone();
            prop_assert!(slot.has_ttl(&key), "a changed cell ends by itself");
        }
        prop_assert_eq!(slot.notes(), notes_after(notes, expected.lease));
        if slot.notes().is_some() {
            let key = slot.lease.clone();
            prop_assert!(slot.has_ttl(&key), "a noted lease still ends by itself");
        }
        prop_assert!(!slot.is_staged(), "nothing is left on the stage");
    });
}

#[test]
fn invalidate_lua_decides_as_the_rules_do() {
    let slot = std::cell::RefCell::new(Slot::new());
    let cases = (prop::option::of(cell_state()), prop::option::of(lease()), version());
    let config = ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((cell, lease, version) in cases)| {
        let mut slot = slot.borrow_mut();
        let notes = lease.map(|(notes, _)| notes);
        let (cell_change, lease_change) = rules::invalidate(cell, notes, version);

        slot.prepare(cell, lease);
        slot.invalidate(version);

        let state = slot.cell().map(|cell| CellState { kind: cell.kind, version: cell.version });
        prop_assert_eq!(state, state_after(cell, cell_change));
        prop_assert_eq!(slot.notes(), notes_after(notes, lease_change));
    });
}

#[test]
fn a_value_that_is_not_on_the_stage_any_more_only_raises_the_floor() {
    let mut slot = Slot::new();
    slot.prepare(None, Some((LeaseNotes::default(), true)));
    let answer: String = PUT
        .key(&slot.cell)
        .key(&slot.lease)
        .key(&slot.stage)
        .arg(&[MINE, "V", "0000000000000007", "1000", "1000", "channel", "id", ""])
        .invoke(&mut slot.redis)
        .unwrap();
    assert_eq!(answer, "raised");
    assert_eq!(slot.cell().map(|cell| (cell.kind, cell.version)), Some((Kind::Tombstone, 7)));
}

#[test]
fn a_cell_of_another_layout_is_left_alone() {
    let mut slot = Slot::new();
    slot.prepare(None, Some((LeaseNotes::default(), true)));
    cmd("SET").arg(&slot.cell).arg("2 of a later release").exec(&mut slot.redis).unwrap();
    assert_eq!(slot.put(Offer::Value(7), MINE), "refused");
    let kept: String = cmd("GET").arg(&slot.cell).query(&mut slot.redis).unwrap();
    assert_eq!(kept, "2 of a later release");
}

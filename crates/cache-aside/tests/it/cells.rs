//! The layout of a cell, byte by byte: nodes of two releases share a cache.

use bytes::Bytes;
use cache_aside::cell::{Cell, HEADER_LEN, Kind, MAX_VERSION};
use proptest::prelude::*;

#[test]
fn the_bytes_of_each_kind_are_these() {
    let value = Cell {
        kind: Kind::Value,
        version: 1_821_066_133_504_001,
        filled_at_ms: 1_736_700_000_123,
        cost_us: 1_234,
        body: Bytes::from_static(b"{\"id\":\"1\"}"),
    };
    assert_eq!(value.encode(), b"1V18210661335040010173670000012300001234{\"id\":\"1\"}");
    let absent = Cell { kind: Kind::Absent, version: 0, body: Bytes::new(), ..value.clone() };
    assert_eq!(absent.encode(), b"1N00000000000000000173670000012300001234");
    let tombstone = Cell { kind: Kind::Tombstone, version: 7, filled_at_ms: 0, cost_us: 0, body: Bytes::new() };
    assert_eq!(tombstone.encode(), b"1T00000000000000070000000000000000000000");
}

#[test]
fn bytes_of_another_layout_are_no_cell() {
    for bytes in [
        &b""[..],
        b"1V",
        b"2V18210661335040010173670000012300001234{}",
        b"1X18210661335040010173670000012300001234{}",
        b"1V182106613350400x0173670000012300001234{}",
        // One more than a version can be: no write could be above it.
        b"1V90071992547409920173670000012300001234{}",
        b"12345",
    ] {
        assert_eq!(Cell::decode(Bytes::copy_from_slice(bytes)), None, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn the_body_is_a_slice_of_the_bytes_and_no_copy() {
    let cell = Cell { kind: Kind::Value, version: 1, filled_at_ms: 2, cost_us: 3, body: Bytes::from_static(b"body") };
    let bytes = Bytes::from(cell.encode());
    let decoded = Cell::decode(bytes.clone()).unwrap();
    assert_eq!(decoded.body.as_ptr(), bytes[HEADER_LEN..].as_ptr());
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        kind in prop::sample::select(vec![Kind::Value, Kind::Absent, Kind::Tombstone]),
        version in 0..=MAX_VERSION,
        filled_at_ms in 0u64..99_999_999_999_999,
        cost_us in 0u32..=99_999_999,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let cell = Cell { kind, version, filled_at_ms, cost_us, body: body.into() };
        prop_assert_eq!(Cell::decode(cell.encode().into()), Some(cell));
    }

    #[test]
    fn any_bytes_are_a_cell_that_encodes_to_the_same_or_none(
        valid in any::<bool>(),
        mut bytes in prop::collection::vec(any::<u8>(), 0..80),
        changed in prop::collection::vec((0..HEADER_LEN, any::<u8>()), 0..3),
    ) {
        if valid {
            bytes.splice(0..0, *b"1V18210661335040010173670000012300001234");
        }
        for (at, byte) in changed {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        if let Some(cell) = Cell::decode(bytes.clone().into()) {
            prop_assert_eq!(cell.encode(), bytes);
        }
    }
}

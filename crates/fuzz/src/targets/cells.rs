//! Any bytes as what is in Redis: no cell, or one that encodes to the same bytes.

use bytes::Bytes;
use cache_aside::cell::Cell;

pub(super) fn run(bytes: &[u8]) {
    if let Some(cell) = Cell::decode(Bytes::copy_from_slice(bytes)) {
        assert_eq!(cell.encode(), bytes);
    }
}

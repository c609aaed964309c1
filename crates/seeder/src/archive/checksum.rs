//! The CRC-64 of a namespace: of all its documents, one behind the other, in the order they have in the archive.
//!
//! mongodump takes it from Go's `hash/crc64` with the table `ECMA`, which is reflected: the catalogue calls it
//! [CRC-64/XZ](https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-64-xz).

use crc::{CRC_64_XZ, Crc, Digest, Table};

static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// A checksum under way.
#[derive(Clone)]
pub(crate) struct Checksum(Digest<'static, u64, Table<16>>);

impl Checksum {
    pub(crate) fn new() -> Self {
        Self(CRC.digest())
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.clone().finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_of_the_catalogue_in_any_number_of_parts() {
        let mut checksum = Checksum::new();
        assert_eq!(checksum.sum(), 0, "of nothing, as mongodump writes for an empty collection");
        checksum.add(b"1234");
        checksum.add(b"56789");
        assert_eq!(checksum.sum(), 0x995d_c9bb_df19_39fa);
    }
}

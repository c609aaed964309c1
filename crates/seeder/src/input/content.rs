//! What a file is, as its first bytes say; names may be missing or wrong.

/// The first four bytes of an archive.
pub(crate) const MAGIC: [u8; 4] = 0x8199_e26d_u32.to_le_bytes();
/// An empty document: its length and a zero byte.
const SHORTEST: i32 = 5;
/// 16 MiB of a user's document and 16 KiB that the server may add (MongoDB manual, "BSON Document Size").
const LONGEST: i32 = (16 << 20) + (16 << 10);
/// The lengths that a document can have.
pub(crate) const LENGTHS: std::ops::RangeInclusive<i32> = SHORTEST..=LONGEST;
/// What the first bytes of a file say that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// An archive of mongodump.
    Archive,
    /// BSON documents one behind the other.
    Documents,
    Other,
}

impl Content {
    /// A magic number, or a length, a type and the first byte of a name.
    pub(crate) const LOOKED_AT: usize = 6;

    pub(crate) fn of(begin: &[u8]) -> Self {
        if begin.starts_with(&MAGIC) {
            return Self::Archive;
        }
        let &[one, two, three, four, kind, name] = begin else { return Self::Other };
        let length = i32::from_le_bytes([one, two, three, four]);
        let is_type = matches!(kind, 0x01..=0x13 | 0x7F | 0xFF) && name != 0;
        if is_type && LENGTHS.contains(&length) { Self::Documents } else { Self::Other }
    }
}

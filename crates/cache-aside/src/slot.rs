//! `Slot`: which part of a cluster a key belongs to (Redis manual, "Redis cluster specification", "Key distribution model").

use std::borrow::Cow;

/// How many there are.
pub(crate) const SLOTS: usize = 16_384;

/// One of [`SLOTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u16);

impl Slot {
    /// The slot of what is hashed: the tag of a key, or all of a key that has none.
    pub(crate) fn of(hashed: &[u8]) -> Self {
        let crc = hashed.iter().fold(0u16, |crc, byte| crc << 8 ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)]);
        Self(crc % SLOTS as u16)
    }

    /// The slot of whatever is kept of an id.
    pub(crate) fn of_id(id: &str) -> Self {
        Self::of(tag(id).as_bytes())
    }

    /// `None` if there is none of this number.
    pub(crate) fn numbered(number: usize) -> Option<Self> {
        (number < SLOTS).then_some(Self(number as u16))
    }

    pub(crate) fn number(self) -> usize {
        usize::from(self.0)
    }
}

/// The part of a key that is hashed, for an id. Redis takes it to end at the first `}`: one inside the id would move the cell
/// and its lease apart, and so would none at all.
pub(crate) fn tag(id: &str) -> Cow<'_, str> {
    match id {
        "" => "%".into(),
        id if id.contains(['}', '%']) => id.replace('%', "%25").replace('}', "%7D").into(),
        id => id.into(),
    }
}

/// The id of a [`tag`].
pub(crate) fn id_of_tag(tag: &str) -> String {
    if tag == "%" { String::new() } else { tag.replace("%7D", "}").replace("%25", "%") }
}

/// CRC16 as XMODEM has it: polynomial 1021, most significant bit first.
const CRC16: [u16; 256] = {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < 256 {
        let (mut crc, mut bit) = ((byte as u16) << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // The specification's own example, and what a server says to CLUSTER KEYSLOT.
        assert_eq!(Slot::of(b"123456789"), Slot(0x31C3));
        assert_eq!(Slot::of(b"42"), Slot(8_000));
        assert_eq!(Slot::of(b""), Slot(0));
        assert_eq!((Slot::numbered(SLOTS - 1), Slot::numbered(SLOTS)), (Some(Slot(16_383)), None));
    }
}

//! What the cache holds under one id: a header of fixed width, then the body as it is answered.
//!
//! ```text
//! byte 0      format, '1'
//! byte 1      kind: V value, N absent, T tombstone
//! 2..18       version, 16 decimal digits
//! 18..32      filled at, milliseconds since 1970 by the clock of the cache, 14 decimal digits
//! 32..40      what the fill cost, microseconds, 8 decimal digits
//! 40..        the body (values only)
//! ```
//!
//! Decimal digits of fixed width compare as text the way they compare as numbers, which is how the scripts in Redis
//! compare them. Nodes of two releases share a cache: the layout changes only together with the format byte.

use bytes::Bytes;

/// The length of the header in bytes.
pub const HEADER_LEN: usize = 40;
/// The first byte of every cell of this layout.
pub const FORMAT: u8 = b'1';
/// The highest version a cell can carry: 2^53 - 1, the last integer that Lua and JavaScript count to.
pub const MAX_VERSION: u64 = (1 << 53) - 1;

/// What a cell says of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// There is a value, and this is it.
    Value,
    /// Known not to exist.
    Absent,
    /// Nothing but a floor: no value below the version may be stored.
    Tombstone,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Value => b'V',
            Self::Absent => b'N',
            Self::Tombstone => b'T',
        }
    }

    fn of(byte: u8) -> Option<Self> {
        match byte {
            b'V' => Some(Self::Value),
            b'N' => Some(Self::Absent),
            b'T' => Some(Self::Tombstone),
            _ => None,
        }
    }
}

/// A cell, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What the cell says of its id.
    pub kind: Kind,
    /// Version of the value, or the floor of a tombstone. At most [`MAX_VERSION`].
    pub version: u64,
    /// When the access to the store began that the cell is of, milliseconds since 1970 by the clock of the cache.
    pub filled_at_ms: u64,
    /// How long the store took to answer, microseconds; 0 for a publish.
    pub cost_us: u32,
    /// Body of the value; empty unless there is one.
    pub body: Bytes,
}

impl Cell {
    /// Reads a cell; the body is a slice of `bytes`, not a copy. `None` if it is of another layout.
    pub fn decode(bytes: Bytes) -> Option<Self> {
        let header = bytes.get(..HEADER_LEN)?;
        if header[0] != FORMAT {
            return None;
        }
        Some(Self {
            kind: Kind::of(header[1])?,
            version: digits(&header[2..18]).filter(|version| *version <= MAX_VERSION)?,
            filled_at_ms: digits(&header[18..32])?,
            cost_us: u32::try_from(digits(&header[32..40])?).ok()?,
            body: bytes.slice(HEADER_LEN..),
        })
    }

    /// The bytes that Redis holds.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LEN + self.body.len());
        bytes.extend([FORMAT, self.kind.byte()]);
        bytes.extend(self.version.min(MAX_VERSION).zero_padded::<16>());
        bytes.extend(self.filled_at_ms.zero_padded::<14>());
        bytes.extend(u64::from(self.cost_us.min(99_999_999)).zero_padded::<8>());
        bytes.extend(&self.body);
        bytes
    }
}

/// What a reader saw of a cell before it asked for the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// There was none, or none that could be read.
    Nothing,
    /// This one.
    Cell { kind: Kind, version: u64, filled_at_ms: u64 },
    /// It did not look: it fills whatever there is.
    Any,
}

impl Seen {
    pub(crate) fn of(cell: Option<&Cell>) -> Self {
        cell.map_or(Self::Nothing, |cell| {
            let Cell { kind, version, filled_at_ms, .. } = *cell;
            Self::Cell { kind, version, filled_at_ms }
        })
    }

    /// Whether `cell` is another than the one that was seen.
    pub(crate) fn differs_from(self, cell: Option<&Cell>) -> bool {
        self != Self::Any && self != Self::of(cell)
    }

    /// As `lease.lua` compares it.
    pub(crate) fn text(self) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Any => b"*".to_vec(),
            Self::Cell { kind, version, filled_at_ms } => {
                let cell = Cell { kind, version, filled_at_ms, cost_us: 0, body: Bytes::new() };
                cell.encode()[1..32].to_vec()
            }
        }
    }
}

/// The number of up to 16 decimal digits; `None` if anything else is among them.
fn digits(text: &[u8]) -> Option<u64> {
    let mut padded = [b'0'; 16];
    padded[16usize.checked_sub(text.len())?..].copy_from_slice(text);
    let (high, low) = padded.split_at(8);
    Some(eight_digits(high.try_into().ok()?)? * 100_000_000 + eight_digits(low.try_into().ok()?)?)
}

/// Eight digits in three multiplications, since every hit reads 38 of them: pairs first, then fours, then all (Lemire,
/// "Quickly parsing eight digits", 2018).
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(text);
    let high = word & 0xF0F0_F0F0_F0F0_F0F0;
    let above_nine = (word.wrapping_add(0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0) >> 4;
    if high | above_nine != 0x3333_3333_3333_3333 {
        return None;
    }
    let pairs = (word & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(2_561) >> 8;
    let fours = (pairs & 0x00FF_00FF_00FF_00FF).wrapping_mul(6_553_601) >> 16;
    Some((fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(42_949_672_960_001) >> 32)
}

pub(crate) trait ZeroPadded {
    /// As decimal digits of fixed width; higher digits than fit are cut.
    fn zero_padded<const N: usize>(self) -> [u8; N];
}

impl ZeroPadded for u64 {
    fn zero_padded<const N: usize>(mut self) -> [u8; N] {
        let mut text = [b'0'; N];
        for digit in text.iter_mut().rev() {
            *digit = b'0' + (self % 10) as u8;
            self /= 10;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digit by digit.
    fn slowly(text: &[u8]) -> Option<u64> {
        text.iter().try_fold(0u64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u64::from(b - b'0')))
    }

    #[test]
    fn digits_are_what_they_are_one_by_one_and_nothing_else_is_taken_for_one() {
        for number in [0, 7, 10, 99_999_999, 100_000_000, 1_234_567_890_123_456, MAX_VERSION] {
            for text in [&number.zero_padded::<16>()[..], &number.zero_padded::<14>(), &number.zero_padded::<8>()] {
                assert_eq!(digits(text), slowly(text), "{number}");
                assert!(digits(text).is_some());
            }
        }
        for place in 0..16 {
            for byte in 0..=u8::MAX {
                let mut text = *b"9081726354637281";
                text[place] = byte;
                assert_eq!(digits(&text), slowly(&text), "{byte} at {place}");
            }
        }
        assert_eq!(digits(b"00000000000000001"), None, "too many");
    }
}

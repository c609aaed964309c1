//! `Chunks`: where a chunked body ends (RFC 9112 §7.1). It follows the framing and looks into no data.

/// What comes next of a chunked body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chunks {
    /// The line that gives the size of a chunk.
    Size {
        size: u64,
        /// How many digits came.
        digits: u8,
        /// Whether more may come; an extension follows them.
        open: bool,
    },
    /// A chunk's data: this many bytes.
    Data(u64),
    /// The end of the line behind a chunk's data.
    DataEnd,
    /// Lines behind the last chunk, until an empty one.
    Trailer { empty: bool },
}

/// What bytes led to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The body goes on.
    On(Chunks),
    /// The body is complete.
    End,
    /// It is no chunk.
    Broken,
}

impl Chunks {
    pub(crate) const START: Self = Self::Size { size: 0, digits: 0, open: true };

    /// Goes on over the first of these bytes, of which there is one at least: over how many, and to what.
    pub(crate) fn advance(self, bytes: &[u8]) -> (usize, Step) {
        if let Self::Data(left) = self {
            let step = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let left = left - step as u64;
            return (step, Step::On(if left == 0 { Self::DataEnd } else { Self::Data(left) }));
        }
        (1, self.byte(bytes[0]))
    }

    fn byte(self, byte: u8) -> Step {
        Step::On(match self {
            Self::Size { size: 0, .. } if byte == b'\n' => Self::Trailer { empty: true },
            Self::Size { size, .. } if byte == b'\n' => Self::Data(size),
            Self::Size { size, digits, open: true } => match char::from(byte).to_digit(16) {
                Some(_) if size >> 56 != 0 => return Step::Broken,
                Some(digit) => {
                    Self::Size { size: size * 16 + u64::from(digit), digits: digits.saturating_add(1), open: true }
                }
                None if digits == 0 && !byte.is_ascii_whitespace() => return Step::Broken,
                None => Self::Size { size, digits, open: false },
            },
            Self::DataEnd if byte == b'\n' => Self::START,
            Self::DataEnd if byte != b'\r' => return Step::Broken,
            Self::Trailer { empty: true } if byte == b'\n' => return Step::End,
            Self::Trailer { .. } if byte == b'\n' => Self::Trailer { empty: true },
            Self::Trailer { empty } => Self::Trailer { empty: empty && byte == b'\r' },
            same => same,
        })
    }
}

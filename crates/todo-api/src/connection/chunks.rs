//! `Chunks`: where a chunked body ends (RFC 9112 §7.1), step by step as the server's parser sees it. It looks into no data.

/// Where in a chunked body the next byte is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunks {
    at: At,
    /// Bytes of extensions, trailers, white space and leading zeros so far.
    unused: usize,
}

#[derive(Debug, Clone, Copy)]
enum At {
    /// The first digit of a size.
    SizeFirst,
    /// Further digits, or what ends them.
    Size(u64),
    /// White space behind the digits.
    SizeSpace(u64),
    /// What is behind a semicolon.
    Extension(u64),
    /// The line feed behind a size.
    SizeEnd(u64),
    /// A chunk's data: this many bytes.
    Data(u64),
    /// The carriage return behind a chunk's data.
    DataReturn,
    /// The line feed behind it.
    DataEnd,
    /// The begin of a line behind the last chunk; an empty one ends the body.
    Line,
    /// Within a trailer.
    Trailer,
    /// The line feed behind a trailer.
    TrailerEnd,
    /// The last byte of the body.
    LastByte,
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
    pub(crate) const START: Self = Self { at: At::SizeFirst, unused: 0 };
    /// Nobody looks at them: without a bound they would be work for nothing.
    pub(crate) const MOST_UNUSED: usize = 16 * 1024;

    /// Goes on over the first of these bytes, of which there is one at least: over how many, and to what.
    pub(crate) fn advance(self, bytes: &[u8]) -> (usize, Step) {
        if let At::Data(left) = self.at {
            let step = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let left = left - step as u64;
            return (step, Step::On(Self { at: if left == 0 { At::DataReturn } else { At::Data(left) }, ..self }));
        }
        (1, self.byte(bytes[0]))
    }

    fn byte(mut self, byte: u8) -> Step {
        let digit = char::from(byte).to_digit(16).map(u64::from);
        let is_unused = match self.at {
            At::Extension(_) | At::Trailer => true,
            At::SizeSpace(_) => byte != b'\r',
            At::Size(0) => digit.is_some(),
            _ => false,
        };
        if is_unused {
            self.unused += 1;
            if self.unused > Self::MOST_UNUSED {
                return Step::Broken;
            }
        }
        self.at = match (self.at, byte, digit) {
            (At::SizeFirst, _, Some(digit)) => At::Size(digit),
            (At::Size(size), _, Some(digit)) if size >> 56 == 0 => At::Size(size * 16 + digit),
            (At::Size(size) | At::SizeSpace(size), b' ' | b'\t', _) => At::SizeSpace(size),
            (At::Size(size) | At::SizeSpace(size), b';', _) => At::Extension(size),
            (At::Size(size) | At::SizeSpace(size) | At::Extension(size), b'\r', _) => At::SizeEnd(size),
            (At::Extension(size), _, _) if byte == b'\t' || !byte.is_ascii_control() => At::Extension(size),
            (At::SizeEnd(0), b'\n', _) | (At::TrailerEnd, b'\n', _) => At::Line,
            (At::SizeEnd(size), b'\n', _) => At::Data(size),
            (At::DataReturn, b'\r', _) => At::DataEnd,
            (At::DataEnd, b'\n', _) => At::SizeFirst,
            (At::Line, b'\r', _) => At::LastByte,
            (At::Trailer, b'\r', _) => At::TrailerEnd,
            (At::Line | At::Trailer, _, _) if byte != b'\n' => At::Trailer,
            (At::LastByte, b'\n', _) => return Step::End,
            _ => return Step::Broken,
        };
        Step::On(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes the body has, or `None` if it is none.
    fn end(text: &str) -> Option<usize> {
        let (mut chunks, mut at) = (Chunks::START, 0);
        loop {
            let (step, next) = chunks.advance(&text.as_bytes()[at..]);
            at += step;
            match next {
                Step::On(next) => chunks = next,
                Step::End => return Some(at),
                Step::Broken => return None,
            }
        }
    }

    #[test]
    fn what_the_parser_takes_ends_where_it_ends_there() {
        for body in [
            "0\r\n\r\n",
            "C\r\n123456789012\r\n0\r\n\r\n",
            "00000000000000000000001\r\n\n\r\n000\r\n\r\n",
            "1 \t;a=\"b;c\"\r\nx\r\n0;last\r\n\r\n",
            "0\r\nx: 1\r\ny: 2\r\n\r\n",
        ] {
            assert_eq!(end(&format!("{body}GET / HTTP/1.1\r\n\r\n")), Some(body.len()), "{body:?}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_broken() {
        let (extension, trailer) = (format!("1;{}\r\n", "x".repeat(20_000)), format!("0\r\nx: {}", "x".repeat(20_000)));
        let (zeros, spaces) =
            (format!("{}1\r\nx\r\n", "0".repeat(20_000)), format!("1{}\r\nx\r\n", " ".repeat(20_000)));
        for body in [
            "\r\n\r\n",
            " 1\r\n",
            "0x1\r\n",
            "+1\r\n",
            "-1\r\n",
            "1_0\r\n",
            "1 0\r\n",
            "1\nx",
            "1;a\nx",
            "1;a=\"\r\"\n",
            "1\rx\r\n",
            "1\r\nx\n0",
            "1\r\nxy\r\n",
            "1\r\nx\r0",
            "0\n\n",
            "0\r\n\n",
            "0\r\n\rx",
            "0\r\nx: 1\n\n",
            "0\r\nx: 1\ry",
            "fffffffffffffffff\r\n",
            &extension,
            &trailer,
            &zeros,
            &spaces,
        ] {
            assert_eq!(end(body), None, "{:?}", &body[..body.len().min(40)]);
        }
    }
}

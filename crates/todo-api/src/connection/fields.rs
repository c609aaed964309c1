//! The header fields that the framing looks at; only offers to change the protocol are taken out of them.

/// The fields that are looked at, with their colons.
pub(crate) const FIELDS: [&[u8]; 5] =
    [b"connection:", b"content-length:", b"host:", b"transfer-encoding:", b"upgrade:"];

/// The longest line of them, and the longest option of `Connection`, which is the first: they must be seen whole before the parser
/// sees them, and this is less than the room that it always has.
pub(crate) const LONGEST_WHOLE_LINE: usize = 1000;

/// The method of a tunnel: the bytes behind its head belong to no request of HTTP.
pub(crate) const CONNECT: [&[u8]; 1] = [b"connect "];

pub(crate) fn starts_with(line: &[u8], name: &[u8]) -> bool {
    line.len() >= name.len() && line[..name.len()].eq_ignore_ascii_case(name)
}

/// Whether the begin of a line may be that of one of these.
pub(crate) fn could_be(begin: &[u8], names: &[&[u8]]) -> bool {
    names.iter().any(|name| {
        let common = begin.len().min(name.len());
        begin[..common].eq_ignore_ascii_case(&name[..common])
    })
}

/// Blanks the options of `Connection` that offer another protocol; empty list elements are ignored (RFC 9110 §5.6.1).
pub(crate) fn without_offer(value: &mut [u8]) {
    for option in value.split_mut(|byte| *byte == b',') {
        let name = option.trim_ascii();
        if name.eq_ignore_ascii_case(b"upgrade") || name.eq_ignore_ascii_case(b"http2-settings") {
            blank(option);
        }
    }
}

/// Whether an option of `Connection` is longer than any that is looked at, with the comma or the end of the line behind it.
pub(crate) fn has_long_option(line: &[u8]) -> bool {
    line.split_inclusive(|byte| *byte == b',').any(|option| option.len() > LONGEST_WHOLE_LINE)
}

pub(crate) fn blank(value: &mut [u8]) {
    value.iter_mut().filter(|byte| byte.is_ascii_graphic()).for_each(|byte| *byte = b' ');
}

/// Where the first line ends, with its line feed.
pub(crate) fn end_of_line(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes).map(|at| at + 1)
}

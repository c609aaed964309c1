//! `Cache-Control` of a request, by the grammar of RFC 9111 §5.2: commas inside quotes separate nothing.

/// The names of the directives in one line, in any case. Their arguments mean nothing to a read here.
///
/// `None` if the line does not parse.
pub fn names(line: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut names, mut rest) = (Vec::new(), line.trim_ascii());
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
            continue;
        }
        let (name, after) = token(rest)?;
        names.push(name);
        rest = match after.strip_prefix(b"=") {
            Some(argument) => quoted(argument).or_else(|| token(argument).map(|(_, after)| after))?,
            None => after,
        };
        rest = rest.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
    Some(names)
}

/// A token (RFC 9110 §5.6.2) and what follows.
fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    match text.iter().position(|byte| !is_tchar(byte)).unwrap_or(text.len()) {
        0 => None,
        end => Some(text.split_at(end)),
    }
}

/// What follows a quoted string (RFC 9110 §5.6.4).
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text.strip_prefix(b"\"")?;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', _, after @ ..] | [_, after @ ..] => after,
            [] => return None,
        };
    }
}

//! Text from strangers, ids and what servers say, neither steers a terminal nor breaks a line of a log.

use std::borrow::Cow;

/// The text with control characters escaped, also those that turn text around.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_bad(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_the_rest_is_not() {
        for (text, shown) in [
            ("id \"ä𝄞\"", "id \"ä𝄞\""),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\nb\r\u{7f}\u{9b}", "a\\u{a}b\\u{d}\\u{7f}\\u{9b}"),
            ("\u{202e}txt", "\\u{202e}txt"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}

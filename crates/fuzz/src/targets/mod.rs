//! Each target takes any bytes; what it promises of them it asserts. Seeds to begin with are in `seeds/`, a folder for each.

mod archives;
mod bodies;
mod cells;
mod framing;
mod headers;
mod ids;
mod tags;
mod texts;
mod urls;

/// Takes any bytes, and panics if what is promised of them is not so.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const TARGETS: [(&str, Target); 9] = [
    ("archives", archives::run),
    ("bodies", bodies::run),
    ("cells", cells::run),
    ("framing", framing::run),
    ("headers", headers::run),
    ("ids", ids::run),
    ("tags", tags::run),
    ("texts", texts::run),
    ("urls", urls::run),
];

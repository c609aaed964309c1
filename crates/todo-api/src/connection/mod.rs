//! Connections below HTTP: every one of them has a deadline at every moment, and none of them keeps others out.
//!
//! - [`framing`]: where a request begins and ends; `fields`: what it looks at; `chunks`: where a chunked body ends.
//! - `table`: the connections of a worker, their deadlines, and who goes when there are too many.
//! - `stream`: the socket that the server's HTTP/1 parser sees. `refusal`: what is answered where that parser gives up.
//! - `heads`, `fault`: which rule of HTTP/1.1 was broken then.

pub(crate) mod chunks;
pub(crate) mod fault;
pub(crate) mod fields;
pub mod framing;
pub(crate) mod heads;
pub(crate) mod refusal;
pub(crate) mod stream;
pub(crate) mod table;

pub(crate) use stream::Connection;
pub(crate) use table::{Limits, Table};

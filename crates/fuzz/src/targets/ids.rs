//! Any bytes as an id, in a path, in JSON, and as a part of a key: an id comes back as itself, and no other makes the same key.

use cache_aside::key;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use todo_api::http::request::decoded;
use todo_model::TodoId;

pub(super) fn run(bytes: &[u8]) {
    let escaped = percent_encode(bytes, NON_ALPHANUMERIC).to_string();
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert!(decoded(&escaped).is_err(), "{escaped} is no UTF-8");
        return;
    };
    assert_eq!(decoded(&escaped).as_deref(), Ok(text));
    let _ = decoded(text);
    if let Ok(id) = text.parse::<TodoId>() {
        assert_eq!(id.as_str(), text);
        let json = serde_json::to_string(&id).expect("an id is a string");
        assert_eq!(serde_json::from_str::<TodoId>(&json).ok(), Some(id));
    }
    let (whole, parts) = (key([text]), key(text.split(':')));
    assert_eq!(whole == parts, !text.contains(':'), "{text:?}");
    assert!(!whole.contains(':'));
    if !text.is_empty() {
        assert_eq!(decoded(&whole).as_deref(), Ok(text), "{whole}");
    }
}

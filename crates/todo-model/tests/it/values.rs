//! Single values and their limits.

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use todo_model::{Todo, TodoId, Version};

#[test]
fn ids_have_1_to_128_bytes_without_slashes_and_control_characters() {
    for (text, is_id) in [(".", false), ("..", false), ("...", true), (".a", true), ("a.", true), ("%2E", true)] {
        assert_eq!(text.parse::<TodoId>().is_ok(), is_id, "{text}");
    }
    for good in ["1", " ", "}", "%2F", "\u{1F600}", &"x".repeat(128), &"ä".repeat(64)] {
        assert_eq!(good.parse::<TodoId>().unwrap().as_str(), good);
    }
    for bad in ["", "/", "a/b", "\n", "\u{0}", "\u{7f}", "\u{85}", &"x".repeat(129), &"ä".repeat(65)] {
        assert_eq!(bad.parse::<TodoId>().expect_err(bad).field, "id");
    }
}

#[test]
fn characters_are_counted_not_bytes() {
    let todo = |name: usize, description: usize| Todo {
        id: "1".parse().unwrap(),
        name: "ä".repeat(name),
        description: Some("\u{1F600}".repeat(description)),
    };
    assert_eq!(todo(1_000, 10_000).check(), Ok(()));
    let error = todo(1_001, 0).check().unwrap_err();
    assert_eq!(error.to_string(), "name: must be at most 1000 characters, is 1001");
    assert_eq!(todo(1, 10_001).check().unwrap_err().field, "description");
    assert_eq!(todo(0, 1).check().unwrap_err().field, "name");
}

#[test]
fn versions_follow_the_clock() {
    assert_eq!(Version::at(UNIX_EPOCH), Version::UNVERSIONED);
    let (now, next) = (UNIX_EPOCH + Duration::from_millis(1_999), UNIX_EPOCH + Duration::from_secs(2));
    assert_eq!(Version::at(now), Version(Version::PER_SECOND));
    assert_eq!(Version::at(next), Version(2 * Version::PER_SECOND));
    let far = UNIX_EPOCH + Duration::from_secs(8_000_000_000);
    assert!(Version::at(far) < Version::MAX, "room for two centuries");
}

proptest! {
    #[test]
    fn a_todo_s_json_reads_back_as_the_same_todo(
        id in "[^/\\p{Cc}]{1,32}".prop_filter("no step in a path", |id| id != "." && id != ".."),
        name in "\\PC{1,50}",
        description in prop::option::of(any::<String>()),
    ) {
        let todo = Todo { id: id.parse().unwrap(), name, description };
        let json = todo.to_json();
        prop_assert_eq!(&json[..6], b"{\"id\":");
        prop_assert_eq!(serde_json::from_slice::<Todo>(&json).unwrap(), todo);
    }
}

//! Any bytes as `If-Match`: refused, or a list that is the same when it is written down and read again.

use todo_api::entity_tag::{EntityTag, TagList};

pub(super) fn run(bytes: &[u8]) {
    let current = EntityTag::of(1_882_768_805_986_343, b"{}");
    let lines = || bytes.split(|byte| *byte == b'\n');
    let parsed = TagList::parse(lines());
    assert!(!matches!(parsed, Ok(None)), "there is a line");
    let Ok(Some(list)) = parsed else { return };
    assert!(list.has_weak(&current) || !list.has_strong(&current));
    if let TagList::Tags(tags) = &list {
        let text = tags.iter().map(EntityTag::to_bytes).collect::<Vec<_>>().join(&b", "[..]);
        assert_eq!(TagList::parse([&text[..]]).as_ref(), Ok(&Some(list.clone())));
        let more = [text, current.to_bytes()].join(&b","[..]);
        assert!(matches!(TagList::parse([&more[..]]), Ok(Some(list)) if list.has_strong(&current)));
    }
}

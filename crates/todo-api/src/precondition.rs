//! `Preconditions`: what `If-Match` and `If-None-Match` ask for, as data, evaluated in the order of RFC 9110 §13.2.2.

use crate::entity_tag::{EntityTag, TagList};

/// What must be so of a todo for a request to be carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// The todo is there, and its tag is one of these (strong comparison).
    pub if_match: Option<TagList>,
    /// The todo is not there, or its tag is none of these (weak comparison).
    pub if_none_match: Option<TagList>,
}

/// What became of the preconditions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All hold, or there are none.
    Hold,
    /// `If-Match` is false: 412, whatever the method.
    IfMatchFailed,
    /// `If-None-Match` is false: 304 to a read, 412 to a write.
    IfNoneMatchFailed,
}

impl Preconditions {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Compares with the tag of the todo as it is now; `None` if there is no such todo.
    pub fn evaluate(&self, current: Option<&EntityTag>) -> Verdict {
        let matches = |list: &TagList| current.is_some_and(|tag| list.has_strong(tag));
        if self.if_match.as_ref().is_some_and(|list| !matches(list)) {
            return Verdict::IfMatchFailed;
        }
        let is_known = |list: &TagList| current.is_some_and(|tag| list.has_weak(tag));
        if self.if_none_match.as_ref().is_some_and(is_known) {
            return Verdict::IfNoneMatchFailed;
        }
        Verdict::Hold
    }
}

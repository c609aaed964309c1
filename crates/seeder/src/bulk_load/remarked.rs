//! What is to be said of documents that are passed on: values that were not kept, texts that nobody may be able to read.

use todo_store::raw::Encoding;

use super::tally::Findings;
use crate::extended_json::Remarks;

/// Documents of which something is to be said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarked {
    /// Ids that were numbers in the file, and are taken as text.
    pub(crate) numeric_ids: u64,
    duplicate_keys: Findings,
    half_pairs: Findings,
    not_utf8: Findings,
}

impl Remarked {
    pub(crate) fn add(&mut self, at: u64, remarks: Remarks, encoding: Encoding) {
        for (is_so, findings) in [
            (remarks.duplicate_keys, &mut self.duplicate_keys),
            (remarks.half_pairs, &mut self.half_pairs),
            (encoding == Encoding::Other, &mut self.not_utf8),
        ] {
            if is_so {
                findings.add(at, format!("byte {at}"));
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.numeric_ids += other.numeric_ids;
        self.duplicate_keys.merge(other.duplicate_keys);
        self.half_pairs.merge(other.half_pairs);
        self.not_utf8.merge(other.not_utf8);
    }

    /// One line for each kind, and one for each of the first documents.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.numeric_ids > 0 {
            lines
                .push(format!("{} ids are numbers in the file, and their decimal text in the store", self.numeric_ids));
        }
        lines.extend(self.duplicate_keys.lines("had a name twice in an object: the last value was taken"));
        lines.extend(self.half_pairs.lines("had half a surrogate pair in a text: U+FFFD stands in its place"));
        lines.extend(self.not_utf8.lines("have texts that are not UTF-8: their bytes are kept as they are"));
        lines
    }
}

//! `Heads`: heads of a connection that its parser may not have read yet, kept so that a refusal can say what is wrong with them.

use super::fault;
use super::refusal::Refusal;

/// More than the parser takes; what comes behind it is not kept.
const MOST: usize = 192 * 1024;
/// Room that stays for the next request.
const KEPT: usize = 4 * 1024;

/// The last heads of one connection.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    bytes: Vec<u8>,
}

impl Heads {
    /// Keeps bytes of a head, as the parser sees them.
    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        if self.bytes.len() < MOST {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Forgets them: the parser has read them and found no fault.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
    }

    /// What is wrong with the first of them that the parser must refuse.
    pub(crate) fn fault(&self) -> Option<Refusal> {
        fault::find(&self.bytes)
    }
}

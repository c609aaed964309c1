//! `Traffic`: what one connection has carried, so far as faults are aimed by it.

/// So much is kept of what a client said first, and of its last request.
const KEPT: usize = 4096;

/// What one connection carries.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// Place in the order in which the proxy accepted its connections, from 0.
    pub number: usize,
    opening: Vec<u8>,
    request: Vec<u8>,
    answered: bool,
}

impl Traffic {
    pub(super) fn new(number: usize) -> Self {
        Self { number, ..Self::default() }
    }

    /// Whether the client has said this, without regard to case, among the first things on this connection: `SUBSCRIBE`.
    pub fn opened_with(&self, words: &str) -> bool {
        contains(&self.opening, words)
    }

    /// Whether the client has said this, without regard to case, since the server last answered: `getMore`.
    pub fn is_asking(&self, words: &str) -> bool {
        !self.answered && contains(&self.request, words)
    }

    /// Whether the last request, answered or not, contains this.
    pub(super) fn last_asked(&self, words: &str) -> bool {
        contains(&self.request, words)
    }

    pub(super) fn sent(&mut self, chunk: &[u8]) {
        keep(&mut self.opening, chunk);
        if self.answered {
            self.request.clear();
            self.answered = false;
        }
        keep(&mut self.request, chunk);
    }

    pub(super) fn answered(&mut self) {
        self.answered = true;
    }
}

fn keep(kept: &mut Vec<u8>, chunk: &[u8]) {
    let room = KEPT.saturating_sub(kept.len());
    kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
}

fn contains(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window.eq_ignore_ascii_case(words.as_bytes()))
}

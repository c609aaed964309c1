//! `History`: what a process was like in the last minutes. Kept whether somebody looks or not, so that who opens the page after something
//! went wrong sees it: a few numbers every other second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::snapshot::{Moment, Snapshot};

/// How often a moment is kept.
pub(super) const EVERY: Duration = Duration::from_secs(2);
/// How many are: five minutes, as many as the charts show.
const MOMENTS: usize = 150;

/// The last moments of this process, the oldest first.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<(Instant, Moment)>);

/// A history as processes tell it to each other, and to the page. No clock of another machine is believed: a moment says how long ago it
/// was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Told {
    /// Which process it is of.
    pub(super) history_of: String,
    /// Whether that follows a change stream.
    expected: bool,
    moments: Vec<(u64, Moment)>,
}

impl History {
    pub(super) fn add(&mut self, moment: Moment) {
        if self.0.len() == MOMENTS {
            self.0.pop_front();
        }
        self.0.push_back((Instant::now(), moment));
    }

    pub(super) fn tell(&self, now: &Snapshot) -> Told {
        let ago = |at: &Instant| at.elapsed().as_millis() as u64;
        let moments = self.0.iter().map(|(at, moment)| (ago(at), moment.clone())).collect();
        Told { history_of: now.process.clone(), expected: now.expects_changes(), moments }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_moments_are_kept() {
        let mut history = History::default();
        for number in 0..MOMENTS as u64 + 7 {
            history.add(Moment { up_ms: number, ..Moment::default() });
        }
        let kept: Vec<u64> = history.0.iter().map(|(_, moment)| moment.up_ms).collect();
        assert_eq!((kept.len(), kept[0], kept[MOMENTS - 1]), (MOMENTS, 7, MOMENTS as u64 + 6));
    }
}

//! `Crew`: how many of the users send requests. The others are there and wait: users cannot be added while goose runs.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// As many as can be asked for while a run goes on, unless more are asked for at its start.
const MOST: usize = 1_000;
/// How long a user waits at a time: whoever waits must notice that the run is over.
const LOOK: Duration = Duration::from_millis(500);

/// How many of the users send requests.
pub(crate) struct Crew {
    wanted: watch::Sender<usize>,
    most: usize,
}

impl Crew {
    /// So many at the start; more later only if that can be asked for.
    pub(crate) fn new(users: usize, can_change: bool) -> Self {
        Self { wanted: watch::Sender::new(users), most: if can_change { users.max(MOST) } else { users } }
    }

    /// Users that are there.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// From now on so many; `false` if there are not so many.
    pub(crate) fn change(&self, users: usize) -> bool {
        let can = (1..=self.most).contains(&users);
        if can {
            self.wanted.send_replace(users);
        }
        can
    }

    /// Whether the user of this number sends requests.
    pub(crate) fn wants(&self, user: usize) -> bool {
        user < *self.wanted.borrow()
    }

    /// Waits until this user is wanted, or a moment.
    pub(crate) async fn wait(&self, user: usize) {
        let _ = timeout(LOOK, self.wanted.subscribe().wait_for(|wanted| user < *wanted)).await;
    }
}

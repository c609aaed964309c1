//! `Background`: tasks that live as long as their owner.

use tokio::task::JoinHandle;

/// Tasks that end when this is dropped.
#[derive(Debug, Default)]
#[must_use = "the tasks end when this is dropped"]
pub struct Background(Vec<JoinHandle<()>>);

impl Background {
    pub(crate) fn of(task: JoinHandle<()>) -> Self {
        Self(vec![task])
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

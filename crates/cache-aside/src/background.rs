//! `Background`: tasks that live as long as their owner.

use tokio::task::JoinHandle;

/// Tasks that end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Background(Vec<JoinHandle<()>>);

impl Background {
    pub(crate) fn of(tasks: Vec<JoinHandle<()>>) -> Self {
        Self(tasks)
    }

    pub(crate) fn add(&mut self, task: JoinHandle<()>) {
        self.0.push(task);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

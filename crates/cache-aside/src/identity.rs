//! `Identity`: which store a process caches, and whether what another process caches is of the same one.

use std::fmt;
use std::sync::Arc;

use crate::source::Source;

/// The store of this process, if it has a name ([`Source::identity`]).
#[derive(Clone)]
pub(crate) struct Identity {
    /// The name that is told to others.
    pub(crate) name: String,
    is_same: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Identity {
    pub(crate) fn of(source: &impl Source) -> Option<Self> {
        let name = source.identity()?;
        let source = source.clone();
        Some(Self { name, is_same: Arc::new(move |other| source.is_same_store(other)) })
    }

    /// Whether this is a name of the same store.
    pub(crate) fn is_same(&self, other: &str) -> bool {
        self.name == other || (self.is_same)(other)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

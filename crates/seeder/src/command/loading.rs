//! The flags of all commands that take documents from a file.

use std::fmt;

use clap::{Args, ValueEnum};
use command_line::values;

use crate::bulk_load::feed::Ids;
use crate::bulk_load::write::Rules;

/// What happens to what is in the store already, and to what is no todo.
#[derive(Debug, Clone, Args)]
pub struct Loading {
    /// Remove what is there first.
    #[arg(long, env = "TODO_DROP", conflicts_with = "resume")]
    pub drop: bool,

    /// Go on where a run with the same file stopped: only the documents that are missing are written.
    #[arg(long, env = "TODO_RESUME")]
    pub resume: bool,

    /// Add to what is there; and what to do when another document has the _id or the id. One that is the same, byte by
    /// byte, is no conflict. `skip` and `replace` write in the order of the file, one batch at a time.
    #[arg(long, env = "TODO_ON_CONFLICT", value_name = "WHAT")]
    pub on_conflict: Option<OnConflict>,

    /// Stop at the first document that is no todo: no id, a wrong type, over the limits.
    #[arg(long, env = "TODO_STRICT")]
    pub strict: bool,

    /// Let a run be a success though the store cannot hold some of the documents: they are left out, counted and shown.
    #[arg(long, env = "TODO_SKIP_INVALID", conflicts_with = "strict")]
    pub skip_invalid: bool,

    /// Store ids that are whole numbers as their decimal text: `5` as `"5"`. Ids of todos are texts: a document whose id is a
    /// number is found by nobody in MongoDB, and cannot be stored in the embedded store.
    #[arg(long, env = "TODO_IDS_AS_TEXT")]
    pub ids_as_text: bool,

    /// Batches under way at one time.
    #[arg(long, env = "TODO_JOBS", default_value = "4", value_name = "N", value_parser = values::positive, allow_negative_numbers = true)]
    pub jobs: usize,
}

/// What happens to a document whose place is taken by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnConflict {
    /// It is left out, and counted.
    Skip,
    /// It takes the place of the other.
    Replace,
    /// It ends the run.
    Fail,
}

impl fmt::Display for OnConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Skip => "skip",
            Self::Replace => "replace",
            Self::Fail => "fail",
        })
    }
}

impl Loading {
    /// Whether the store may hold something before.
    pub fn adds(&self) -> bool {
        self.resume || self.on_conflict.is_some() && !self.drop
    }

    /// How ids that are numbers are taken.
    pub fn ids(&self) -> Ids {
        if self.ids_as_text { Ids::AsText } else { Ids::AsTheyAre }
    }

    /// How batches are written.
    pub fn rules(&self) -> Rules {
        Rules { on_conflict: self.policy(), strict: self.strict, look_first: self.adds() }
    }

    fn policy(&self) -> OnConflict {
        self.on_conflict.unwrap_or(OnConflict::Fail)
    }

    /// Batches under way at one time: if a file has an id twice, its order decides.
    pub fn at_a_time(&self) -> usize {
        match self.policy() {
            OnConflict::Fail => self.jobs,
            OnConflict::Skip | OnConflict::Replace => 1,
        }
    }

    /// The flags that a run needs to go on.
    pub(crate) fn resume_flags(&self) -> String {
        let mut flags = String::new();
        if let Some(policy) = self.on_conflict {
            flags.push_str(&format!(" --on-conflict {policy}"));
        }
        if self.strict {
            flags.push_str(" --strict");
        }
        if self.ids_as_text {
            flags.push_str(" --ids-as-text");
        }
        if self.skip_invalid {
            flags.push_str(" --skip-invalid");
        }
        flags + " --resume"
    }
}

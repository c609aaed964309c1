//! `seeder generate`: how fake todos are made.

use clap::Args;
use command_line::values;

use super::target::Target;
use super::{count, seed};

/// How fake todos are made.
#[derive(Debug, Clone, Args)]
pub struct Generate {
    /// Where the todos go.
    #[command(flatten)]
    pub target: Target,

    /// How many todos.
    #[arg(long, env = "TODO_COUNT", default_value = "1000000", value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub count: u64,

    /// What the todos are made from.
    #[arg(long, env = "TODO_SEED", default_value = "42", value_name = "NUMBER", value_parser = seed, allow_negative_numbers = true)]
    pub seed: u64,

    /// Remove what is there first.
    #[arg(long, env = "TODO_DROP", conflicts_with = "resume")]
    pub drop: bool,

    /// Go on where a run of the same seed stopped: only the todos that are missing are made.
    #[arg(long, env = "TODO_RESUME")]
    pub resume: bool,

    /// Batches under way at one time.
    #[arg(long, env = "TODO_JOBS", default_value = "4", value_name = "N", value_parser = values::positive, allow_negative_numbers = true)]
    pub jobs: usize,
}

impl Generate {
    /// The command line that goes on where this one stopped. A password in the URL is left out.
    pub fn resume_line(&self) -> String {
        format!("seeder generate {} --count {} --seed {} --resume", self.target.flags(), self.count, self.seed)
    }
}

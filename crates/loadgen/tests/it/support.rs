//! What tests share.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use clap::Parser;
use loadgen::figures::Count;
use loadgen::{Options, Summary};
use serde_json::Value;
pub(crate) use test_servers::{free_port, until};

/// The options of this command line. Users come slowly if nothing else is said: goose looks more often whether the run is
/// over while it starts users, and most runs here are over with the first one.
pub(crate) fn options(host: &str, flags: &[&str]) -> Options {
    let mut words = vec!["loadgen", "--host", host];
    for default in [["--users", "4"], ["--hatch-rate", "20"]] {
        if !flags.contains(&default[0]) {
            words.extend(default);
        }
    }
    words.extend(flags);
    Options::try_parse_from(words).unwrap()
}

/// A run with these flags.
pub(crate) async fn run(host: &str, flags: &[&str]) -> Summary {
    loadgen::run(&options(host, flags)).await.unwrap()
}

/// The program with these flags, and without what the environment says.
pub(crate) fn program(flags: &[&str]) -> Command {
    let mut program = unconfigured(Command::new(env!("CARGO_BIN_EXE_loadgen")));
    program.args(flags);
    program
}

/// The command without the variables that configure our programs.
pub(crate) fn unconfigured(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TODO_")) {
        command.env_remove(name);
    }
    command
}

/// Counts by name.
pub(crate) fn by_name(counts: &[Count]) -> BTreeMap<&str, u64> {
    counts.iter().map(|count| (count.name.as_str(), count.count)).collect()
}

/// Runs the program to its end, while targets of this test go on to answer.
pub(crate) async fn finish(mut program: Command) -> Output {
    tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap()
}

/// What it said on standard error.
pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What the program wrote to its standard output.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", errors(output)))
}

//! `seeder`: parse, run, say how it went.

use std::process::ExitCode;

use seeder::command::CommandLine;
use seeder::program;

fn main() -> ExitCode {
    command_line::crypto::use_ring();
    let line: CommandLine = match command_line::parse() {
        Ok(line) => line,
        Err(usage) => return usage.print(),
    };
    // What the store warns of; the driver says what went wrong by its errors.
    let warnings = tracing_subscriber::fmt()
        .with_env_filter("warn,mongodb=off")
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_ansi(false);
    warnings.init();
    match program::run_to_end(&line.command) {
        Ok(report) => {
            report.print();
            if report.good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) if error.is_broken_pipe() => ExitCode::FAILURE,
        Err(error) => {
            command_line::say_error(todo_store::printable(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

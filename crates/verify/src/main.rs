//! `verify`: parse, run, say what was found.

use std::process::ExitCode;

use verify::options::{Command, CommandLine};
use verify::program;

#[tokio::main]
async fn main() -> ExitCode {
    let line: CommandLine = match command_line::parse() {
        Ok(line) => line,
        Err(usage) => return usage.print(),
    };
    let Command::Run(flags) = line.command;
    match program::run_once(&flags).await {
        Ok(report) => {
            #[expect(clippy::print_stdout, reason = "the report is the program's output")]
            {
                print!("{report}");
            }
            if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

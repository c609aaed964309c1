//! `seeder`: parse, run, say how it went.

use std::process::ExitCode;

use seeder::command::CommandLine;

#[tokio::main]
async fn main() -> ExitCode {
    command_line::crypto::use_ring();
    let line: CommandLine = match command_line::parse() {
        Ok(line) => line,
        Err(usage) => return usage.print(),
    };
    match seeder::program::run(&line.command).await {
        Ok(report) => {
            report.print();
            if report.good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

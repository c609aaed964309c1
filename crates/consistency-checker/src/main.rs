//! `consistency-checker`: parse, run, say what was found.

use std::process::ExitCode;

use consistency_checker::CheckError;
use consistency_checker::options::CommandLine;
use consistency_checker::program;

#[tokio::main]
async fn main() -> ExitCode {
    command_line::crypto::use_ring();
    let line: CommandLine = match command_line::parse() {
        Ok(line) => line,
        Err(usage) => return usage.print(),
    };
    match program::run(&line.command).await {
        Ok(done) => {
            #[expect(clippy::print_stdout, reason = "the report is the program's output")]
            {
                print!("{}", done.text);
            }
            if done.is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            if matches!(error, CheckError::Usage(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

//! `verify`: parse, run, say what was found.

use std::process::ExitCode;

use verify::options::CommandLine;
use verify::program;

#[tokio::main]
async fn main() -> ExitCode {
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
            ExitCode::FAILURE
        }
    }
}

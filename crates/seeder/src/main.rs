//! `seeder`: parse, run, say how it went.

use std::process::ExitCode;

use seeder::command::{Command, CommandLine};

#[tokio::main]
async fn main() -> ExitCode {
    let line: CommandLine = match command_line::parse() {
        Ok(line) => line,
        Err(usage) => return usage.print(),
    };
    let Command::Generate(options) = line.command;
    match seeder::generate::run(&options).await {
        Ok(done) => {
            #[expect(clippy::print_stdout, reason = "the result is the program's output")]
            {
                println!("{done}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

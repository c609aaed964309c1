//! `loadgen`: parse, run, exit.

use std::process::ExitCode;

use loadgen::{Options, program};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command_line::crypto::use_ring();
    let options: Options = match command_line::parse() {
        Ok(options) => options,
        Err(usage) => return usage.print(),
    };
    match program::run(&options) {
        Ok(summary) if summary.missed.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(3),
        Err(error) => {
            command_line::say_error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

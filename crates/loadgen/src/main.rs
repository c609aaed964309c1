//! `loadgen`: parse, attack, report.

use std::process::ExitCode;

use loadgen::{attack, options::Options, report};

#[tokio::main]
async fn main() -> ExitCode {
    let options: Options = match command_line::parse() {
        Ok(options) => options,
        Err(usage) => return usage.print(),
    };
    let reported = match attack::run(&options).await {
        Ok(summary) => report::write(&options, &summary).map(|()| summary),
        Err(error) => Err(error),
    };
    match reported {
        Ok(summary) if summary.missed.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

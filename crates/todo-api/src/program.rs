//! The program: parse, log, bind, build, run. In the library, so that everything that is awaited is compiled once: futures are
//! compiled where they are first polled.

use std::process::ExitCode;

use crate::app::Application;
use crate::check;
use crate::error::StartError;
use crate::listen::Listener;
use crate::settings::{Action, Settings};
use crate::telemetry;

/// Does what the command line asks for; the exit code of the process.
pub fn run() -> ExitCode {
    command_line::crypto::use_ring();
    let settings = match Settings::from_command_line() {
        Ok(settings) => settings,
        Err(usage) => return usage.print(),
    };
    let runtime = actix_web::rt::System::new();
    if settings.action == Some(Action::Check) {
        return if runtime.block_on(check::run(&settings)) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    telemetry::start(&settings.log);
    match runtime.block_on(serve(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(settings: Settings) -> Result<(), StartError> {
    let listener = Listener::bind(&settings.listen)?;
    Application::build(&settings, listener).await?.run_until_stopped().await
}

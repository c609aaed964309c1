//! `todo-api`: parse, log, bind, build, run.

use std::process::ExitCode;

use todo_api::settings::{Action, Settings};
use todo_api::{app::Application, check, error::StartError, listen::Listener, telemetry};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    command_line::crypto::use_ring();
    let settings = match Settings::from_command_line() {
        Ok(settings) => settings,
        Err(usage) => return usage.print(),
    };
    if settings.action == Some(Action::Check) {
        return if check::run(&settings).await { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    telemetry::start(&settings.log);
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<(), StartError> {
    let listener = Listener::bind(&settings.listen)?;
    Application::build(&settings, listener).await?.run_until_stopped().await
}

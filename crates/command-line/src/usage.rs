//! `Usage`: why a command line was not taken, or what it asked for instead of running the program.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap::error::{ContextKind, ErrorKind};
use clap_complete::Shell;

use crate::elsewhere::Elsewhere;
use crate::say_error;

/// Why the command line was not taken, or the text that it asked for.
#[derive(Debug)]
pub struct Usage(What);

#[derive(Debug)]
enum What {
    /// It is wrong.
    Wrong(String),
    /// Help, version or completions, for standard output.
    Text(Vec<u8>),
    /// The man pages were written, or could not be.
    Written(Result<(), String>),
}

impl Usage {
    pub(crate) fn of(error: clap::Error, elsewhere: &Elsewhere) -> Self {
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            let styled = error.render();
            let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
            let text = if is_terminal { styled.ansi().to_string() } else { styled.to_string() };
            return Self(What::Text(text.into_bytes()));
        }
        Self(What::Wrong(line(&error, elsewhere)))
    }

    pub(crate) fn line_of(line: String) -> Self {
        Self(What::Wrong(line))
    }

    pub(crate) fn completions(mut command: Command, shell: Shell) -> Self {
        let (mut text, name) = (Vec::new(), command.get_name().to_owned());
        clap_complete::generate(shell, &mut command, name, &mut text);
        Self(What::Text(text))
    }

    pub(crate) fn man_pages(command: Command, folder: &Path) -> Self {
        let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
        Self(What::Written(written.map_err(|error| format!("--man {}: {error}", folder.display()))))
    }

    /// One line to standard error that names the flag, exit code 2; or help, version and completions to standard output, 0.
    pub fn print(&self) -> ExitCode {
        match &self.0 {
            What::Written(Ok(())) => ExitCode::SUCCESS,
            What::Written(Err(line)) => {
                say_error(line);
                ExitCode::FAILURE
            }
            What::Wrong(line) => {
                say_error(line);
                ExitCode::from(2)
            }
            What::Text(text) => match io::stdout().write_all(text).and_then(|()| io::stdout().flush()) {
                Ok(()) => ExitCode::SUCCESS,
                // Whoever reads has read enough (`--help | head`).
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
                Err(error) => {
                    say_error(format_args!("this cannot be written: {error}"));
                    ExitCode::FAILURE
                }
            },
        }
    }

    /// What is wrong, or empty. A value itself is left out where it may be a URL with a password.
    pub fn line(&self) -> &str {
        match &self.0 {
            What::Wrong(line) | What::Written(Err(line)) => line,
            What::Text(_) | What::Written(Ok(())) => "",
        }
    }
}

fn line(error: &clap::Error, elsewhere: &Elsewhere) -> String {
    let flag = error.get(ContextKind::InvalidArg).map(|flag| with_origin(&flag.to_string(), elsewhere));
    match (error.kind(), flag, error.source()) {
        (ErrorKind::ValueValidation, Some(flag), Some(source)) => format!("{flag}: {source}"),
        (ErrorKind::InvalidValue, Some(flag), _) => match error.get(ContextKind::ValidValue) {
            Some(allowed) => format!("{flag}: must be one of {allowed}"),
            None => format!("{flag}: needs a value"),
        },
        (ErrorKind::MissingRequiredArgument, Some(flags), _) => format!("{flags} is missing (see --help)"),
        (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, ..) => "a command is missing (see --help)".to_owned(),
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or("wrong usage");
            first.strip_prefix("error: ").unwrap_or(first).to_owned() + " (see --help)"
        }
    }
}

/// `--fresh <DURATION> (fresh in todo.toml)`, where the value stands elsewhere.
fn with_origin(flag: &str, elsewhere: &Elsewhere) -> String {
    let long = flag.split([' ', '=']).next().unwrap_or(flag).trim_start_matches('-');
    match elsewhere.origin(long) {
        Some(origin) => format!("{flag} ({origin})"),
        None => flag.to_owned(),
    }
}

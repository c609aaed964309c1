//! Reads a program's flags; a wrong one ends it with one line and exit code 2.
//!
//! - [`parse`], [`Usage`]: the command line as a whole.
//! - [`crypto`]: the provider of TLS that a program chooses before it does anything else.
//! - [`values`]: parsers of single values, whose errors say what is allowed.
//! - [`say_error`]: the line of an error, also where nobody reads standard error any more.

pub mod crypto;
pub mod values;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ErrorKind};

/// Writes `error: …` to standard error. That nobody reads it any more is no reason to panic, as `eprintln!` would.
pub fn say_error(error: impl std::fmt::Display) {
    drop(writeln!(io::stderr(), "error: {error}"));
}

/// Why the command line was not taken, or the help that it asked for.
#[derive(Debug)]
pub struct Usage(clap::Error);

/// Reads the command line and the environment.
///
/// # Errors
/// A wrong value, or a call for help or version: [`Usage::print`] says it and gives the exit code.
pub fn parse<T: Parser>() -> Result<T, Usage> {
    T::try_parse().map_err(Usage)
}

/// As [`parse`], from these words; the first is the program's name.
///
/// # Errors
/// As [`parse`].
pub fn parse_from<T: Parser>(words: &[&str]) -> Result<T, Usage> {
    T::try_parse_from(words).map_err(Usage)
}

impl Usage {
    /// One line to standard error that names the flag, exit code 2; or help and version to standard output, 0.
    pub fn print(&self) -> ExitCode {
        if matches!(self.0.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return match self.0.print().and_then(|()| io::stdout().flush()) {
                Ok(()) => ExitCode::SUCCESS,
                // Whoever reads has read enough (`--help | head`).
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
                Err(error) => {
                    say_error(format_args!("the help cannot be written: {error}"));
                    ExitCode::FAILURE
                }
            };
        }
        say_error(self.line());
        ExitCode::from(2)
    }

    /// The line. The value itself is left out where it may be a URL with a password.
    pub fn line(&self) -> String {
        let flag = self.0.get(ContextKind::InvalidArg);
        match (self.0.kind(), flag, self.0.source()) {
            (ErrorKind::ValueValidation, Some(flag), Some(source)) => format!("{flag}: {source}"),
            (ErrorKind::InvalidValue, Some(flag), _) => match self.0.get(ContextKind::ValidValue) {
                Some(allowed) => format!("{flag}: must be one of {allowed}"),
                None => format!("{flag}: needs a value"),
            },
            (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, ..) => "a command is missing (see --help)".to_owned(),
            _ => {
                let text = self.0.to_string();
                let first = text.lines().next().unwrap_or("wrong usage");
                first.strip_prefix("error: ").unwrap_or(first).to_owned() + " (see --help)"
            }
        }
    }
}

//! Reads a program's flags; a wrong one ends it with one line and exit code 2.
//!
//! - [`parse`], [`Usage`]: the command line as a whole.
//! - `elsewhere`: files that flags take their values from.
//! - [`crypto`]: the provider of TLS that a program chooses before it does anything else.
//! - [`values`]: parsers of single values, whose errors say what is allowed.
//! - [`say_error`]: the line of an error, also where nobody reads standard error any more.

pub mod crypto;
mod elsewhere;
mod usage;
pub mod values;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, Parser, ValueHint, value_parser};
use clap_complete::Shell;

use crate::elsewhere::Elsewhere;
pub use crate::usage::Usage;

/// Writes `error: …` to standard error. That nobody reads it any more is no reason to panic, as `eprintln!` would.
pub fn say_error(error: impl std::fmt::Display) {
    drop(writeln!(io::stderr(), "error: {error}"));
}

/// Reads the command line, the environment, the files that variables `…_FILE` name, and the file of `--config`; what comes
/// first in this list wins.
///
/// # Errors
/// A wrong value, or a call for help, version, completions or man pages: [`Usage::print`] says it and gives the exit code.
pub fn parse<T: Parser>() -> Result<T, Usage> {
    read(std::env::args_os().collect(), |name| std::env::var_os(name))
}

/// As [`parse`], from these words; the first is the program's name.
///
/// # Errors
/// As [`parse`].
pub fn parse_from<T: Parser>(words: &[&str]) -> Result<T, Usage> {
    read(words.iter().map(OsString::from).collect(), |name| std::env::var_os(name))
}

fn read<T: Parser>(words: Vec<OsString>, variable: impl Fn(&str) -> Option<OsString>) -> Result<T, Usage> {
    let command = with_common_flags(T::command());
    // These need nothing of what the program needs, so they are looked for first.
    if let Some(shell) = given(&words, "--completions").and_then(|name| name.parse().ok()) {
        return Err(Usage::completions(command, shell));
    }
    if let Some(folder) = given(&words, "--man") {
        return Err(Usage::man_pages(command, folder.as_ref()));
    }
    let config = given(&words, "--config").or_else(|| variable("TODO_CONFIG")?.into_string().ok());
    let elsewhere = Elsewhere::read(&command, config.as_deref(), variable).map_err(Usage::line_of)?;
    let matches = elsewhere.apply(command).try_get_matches_from(words);
    let parsed = matches.and_then(|mut matches| T::from_arg_matches_mut(&mut matches));
    parsed.map_err(|error| Usage::of(error, &elsewhere))
}

/// The value of a flag, before anybody knows what the other words mean.
fn given(words: &[OsString], flag: &str) -> Option<String> {
    let mut words = words.iter().map(|word| word.to_string_lossy()).take_while(|word| word != "--");
    while let Some(word) = words.next() {
        match word.strip_prefix(flag) {
            Some("") => return words.next().map(Into::into),
            Some(rest) if rest.starts_with('=') => return Some(rest[1..].to_owned()),
            _ => {}
        }
    }
    None
}

/// The program's command with the flags that every program has.
fn with_common_flags(command: Command) -> Command {
    let version = match option_env!("TODO_BUILT_FROM") {
        Some(commit) => &*format!("{} ({commit})", env!("CARGO_PKG_VERSION")).leak(),
        None => env!("CARGO_PKG_VERSION"),
    };
    common_flags(command.version(version))
}

fn common_flags(command: Command) -> Command {
    command.args([
        Arg::new("config")
            .long("config")
            .env("TODO_CONFIG")
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .global(true)
            .help("File of settings (TOML): flags without their dashes; flags and variables win over it"),
        Arg::new("completions")
            .long("completions")
            .value_name("SHELL")
            .value_parser(value_parser!(Shell))
            .action(ArgAction::Set)
            .help("Writes completions for a shell to standard output, and ends"),
        Arg::new("man")
            .long("man")
            .value_name("FOLDER")
            .value_parser(value_parser!(PathBuf))
            .value_hint(ValueHint::DirPath)
            .help("Writes man pages into a folder, and ends"),
    ])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

    use std::collections::HashMap;
    use std::time::Duration;

    use clap::{CommandFactory, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "program", version)]
    struct Line {
        #[arg(long, env = "TODO_URL", default_value = "none:")]
        url: String,
        #[arg(long, env = "TODO_FRESH", default_value = "60s", value_parser = values::duration)]
        fresh: Duration,
        #[arg(long, env = "TODO_STREAM", default_value = "on", value_parser = values::on_off, action = ArgAction::Set)]
        stream: bool,
        #[arg(long, env = "TODO_ORIGIN", value_delimiter = ',')]
        origin: Vec<String>,
        #[command(subcommand)]
        command: Option<Sub>,
    }

    #[derive(Debug, Subcommand)]
    enum Sub {
        Fill {
            #[arg(long, env = "TODO_COUNT")]
            count: u32,
            #[arg(long, env = "TODO_DROP")]
            drop: bool,
        },
    }

    /// The command line in a folder with these files, and with these variables.
    fn line(words: &[&str], files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Line, String> {
        let folder = tempfile::tempdir().unwrap();
        let place = |text: &str| text.replace("DIR", folder.path().to_str().unwrap());
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let variables: HashMap<&str, String> = variables.iter().map(|(name, value)| (*name, place(value))).collect();
        let words = words.iter().map(|word| OsString::from(place(word))).collect();
        let parsed = read(words, |name| variables.get(name).map(OsString::from));
        parsed.map_err(|usage| usage.line().replace(folder.path().to_str().unwrap(), "DIR"))
    }

    #[test]
    fn flags_win_over_variables_files_of_variables_and_the_config_file_in_this_order() {
        let config = [
            ("c.toml", "url = \"from config\"\nfresh = \"5s\"\nstream = false\norigin = [\"a\", \"b\"]\n"),
            ("secret", "from file\n"),
            ("marked", "\u{feff}from file\r\n"),
        ];
        let found = line(&["program", "--config", "DIR/c.toml"], &config, &[]).unwrap();
        assert_eq!((found.url.as_str(), found.fresh, found.stream), ("from config", Duration::from_secs(5), false));
        assert_eq!(found.origin, ["a", "b"]);
        let of_file = [("TODO_URL_FILE", "DIR/secret"), ("TODO_CONFIG", "DIR/c.toml")];
        assert_eq!(line(&["program"], &config, &of_file).unwrap().url, "from file");
        assert_eq!(line(&["program"], &config, &[("TODO_URL_FILE", "DIR/marked")]).unwrap().url, "from file");
        let found = line(&["program", "--url=from flag", "--config=DIR/c.toml"], &config, &of_file).unwrap();
        assert_eq!((found.url.as_str(), found.fresh), ("from flag", Duration::from_secs(5)));
    }

    #[test]
    fn subcommands_have_tables_of_their_own_and_settings_may_be_required_flags() {
        let config = [("c.toml", "url = \"x\"\n[fill]\ncount = 7\ndrop = true\n"), ("flat.toml", "count = 8\n")];
        let found = line(&["program", "--config", "DIR/c.toml", "fill"], &config, &[]).unwrap();
        assert!(matches!(found.command, Some(Sub::Fill { count: 7, drop: true })), "{found:?}");
        let found = line(&["program", "fill", "--config", "DIR/flat.toml"], &config, &[]).unwrap();
        assert!(matches!(found.command, Some(Sub::Fill { count: 8, drop: false })), "{found:?}");
        assert!(line(&["program", "fill"], &config, &[]).unwrap_err().contains("--count"));
    }

    #[test]
    fn what_is_wrong_elsewhere_is_said_with_its_place() {
        let cases = [
            ("url =", "--config DIR/c.toml: line 1: "),
            ("\nfrseh = \"5s\"", "--config DIR/c.toml: there is no setting frseh, perhaps fresh is meant (each is"),
            ("fresh = \"soon\"", "--fresh <FRESH> (fresh in DIR/c.toml): must be a duration above zero"),
            ("fresh = 2020-01-01", "--config DIR/c.toml: fresh must be a text, a number, true or false"),
            ("[fill]\nurl = \"x\"", "--config DIR/c.toml: there is no setting url"),
            ("config = \"more.toml\"", "--config DIR/c.toml: there is no setting config"),
        ];
        for (text, expected) in cases {
            let error = line(&["program", "--config", "DIR/c.toml"], &[("c.toml", text)], &[]).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let missing = line(&["program", "--config", "DIR/none.toml"], &[], &[]).unwrap_err();
        assert!(missing.starts_with("--config DIR/none.toml: No such file"), "{missing}");
        let missing = line(&["program"], &[], &[("TODO_URL_FILE", "DIR/none")]).unwrap_err();
        assert!(missing.starts_with("TODO_URL_FILE: DIR/none: No such file"), "{missing}");
        let both = line(&["program"], &[], &[("TODO_URL_FILE", "DIR/none"), ("TODO_URL", "x")]).unwrap_err();
        assert_eq!(both, "TODO_URL and TODO_URL_FILE are both set: only one may be");
    }

    #[test]
    fn a_secret_of_a_file_is_in_no_help_and_no_message() {
        let files = [("secret", "redis://user:hunter2@h/"), ("wrong", "hunter2")];
        let help = read::<Line>(vec!["program".into(), "--help".into()], |_| None).unwrap_err();
        assert!(format!("{help:?}").contains("Text"), "help is text");
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let of = |name: &str| folder.path().join(name).into_os_string();
        let elsewhere =
            Elsewhere::read(&Line::command(), None, |name| (name == "TODO_URL_FILE").then(|| of("secret"))).unwrap();
        let help = elsewhere.apply(Line::command()).render_long_help().to_string();
        assert!(!help.contains("hunter2"), "{help}");
        let error = line(&["program"], &files, &[("TODO_FRESH_FILE", "DIR/wrong")]).unwrap_err();
        assert_eq!(
            error,
            "--fresh <FRESH> (the file of TODO_FRESH_FILE): must be a duration above zero like 50ms, 2s or 1m"
        );
    }

    #[test]
    fn completions_and_man_pages_need_nothing_of_what_the_program_needs() {
        let asked =
            read::<Line>(vec!["program".into(), "fill".into(), "--completions".into(), "bash".into()], |_| None);
        assert!(format!("{:?}", asked.unwrap_err()).starts_with("Usage(Text("), "the script of bash");
        let folder = tempfile::tempdir().unwrap();
        let words = vec!["program".into(), "--man".into(), folder.path().into()];
        assert_eq!(read::<Line>(words, |_| None).unwrap_err().print(), std::process::ExitCode::SUCCESS);
        let mut pages: Vec<_> = folder.path().read_dir().unwrap().map(|page| page.unwrap().file_name()).collect();
        pages.sort();
        assert_eq!(pages, ["program-fill.1", "program.1"]);
    }
}

//! Where flags take their values from when neither the command line nor the environment gives them: first the file that a
//! variable `…_FILE` names, as containers are given secrets, then the file of `--config`.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};
use toml::Value;

/// Values by the long name of their flag; those of one subcommand under its name.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    values: HashMap<(Option<String>, String), Vec<String>>,
    /// Where each value stands, for messages.
    origins: HashMap<String, String>,
}

impl Elsewhere {
    /// Reads what `config` says for the flags of this command.
    ///
    /// # Errors
    /// A line that names the file and what is wrong in it.
    pub(crate) fn read(
        command: &Command,
        config: Option<&str>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, String> {
        let mut elsewhere = Self::default();
        if let Some(path) = config {
            elsewhere.take_config(command, path)?;
        }
        elsewhere.take_files(command, &variable)?;
        Ok(elsewhere)
    }

    /// The command with these values in the place of its defaults.
    pub(crate) fn apply(&self, command: Command) -> Command {
        let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        let command = self.apply_to(command, None);
        names.into_iter().fold(command, |command, name| {
            command.mut_subcommand(&name, |subcommand| self.apply_to(subcommand, Some(&name)))
        })
    }

    /// Where the value of this flag stands, if it is from elsewhere.
    pub(crate) fn origin(&self, flag: &str) -> Option<&str> {
        self.origins.get(flag).map(String::as_str)
    }

    fn apply_to(&self, command: Command, subcommand: Option<&str>) -> Command {
        command.mut_args(|argument| {
            let Some(long) = argument.get_long() else { return argument };
            let of = |subcommand: Option<&str>| self.values.get(&(subcommand.map(str::to_owned), long.to_owned()));
            match of(subcommand).or_else(|| of(None)) {
                Some(values) => {
                    // clap keeps defaults for as long as the program runs.
                    let values: Vec<&'static str> = values.iter().map(|value| &*value.clone().leak()).collect();
                    // It may be a secret, which no help shows.
                    let hides = argument.get_action().takes_values();
                    argument.default_values(values).hide_default_value(hides).required(false)
                }
                None => argument,
            }
        })
    }

    fn take_config(&mut self, command: &Command, path: &str) -> Result<(), String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("--config {path}: {error}"))?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            format!("--config {path}: line {line}: {}", error.message().lines().next().unwrap_or("this is not TOML"))
        })?;
        for (key, value) in table {
            if let (Some(subcommand), Value::Table(settings)) = (command.find_subcommand(&key), &value) {
                for (key, value) in settings {
                    self.take_setting(subcommand, Some(subcommand.get_name()), path, key, value)?;
                }
            } else {
                self.take_setting(command, None, path, &key, &value)?;
            }
        }
        Ok(())
    }

    fn take_setting(
        &mut self,
        command: &Command,
        subcommand: Option<&str>,
        path: &str,
        key: &str,
        value: &Value,
    ) -> Result<(), String> {
        let long = key.replace('_', "-");
        let flags = flags(command);
        let Some(argument) = flags.get(long.as_str()) else {
            let near = flags.keys().find(|flag| is_near(flag, &long));
            let hint = near.map_or_else(String::new, |near| format!(", perhaps {near} is meant"));
            return Err(format!(
                "--config {path}: there is no setting {key}{hint} (each is a flag of --help without its dashes)"
            ));
        };
        let values = match value {
            Value::Array(many) => many.iter().map(|value| word(argument, value)).collect(),
            one => word(argument, one).map(|word| vec![word]),
        };
        let Some(values) = values else {
            return Err(format!("--config {path}: {key} must be a text, a number, true or false"));
        };
        self.origins.insert(long.clone(), format!("{key} in {path}"));
        self.values.insert((subcommand.map(str::to_owned), long), values);
        Ok(())
    }

    fn take_files(&mut self, command: &Command, variable: &impl Fn(&str) -> Option<OsString>) -> Result<(), String> {
        for (long, argument) in flags(command) {
            let Some(name) = argument.get_env().and_then(|name| name.to_str()) else { continue };
            let of_file = format!("{name}_FILE");
            let Some(path) = variable(&of_file) else { continue };
            if variable(name).is_some() {
                return Err(format!("{name} and {of_file} are both set: only one may be"));
            }
            let path = path.to_string_lossy();
            let text = std::fs::read_to_string(&*path).map_err(|error| format!("{of_file}: {path}: {error}"))?;
            // Whoever writes a secret into a file seldom means the end of its line, and never the mark of the order of bytes before it.
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
            self.origins.insert(long.to_owned(), format!("the file of {of_file}"));
            self.values.retain(|(_, flag), _| flag != long);
            self.values.insert((None, long.to_owned()), vec![text.to_owned()]);
        }
        Ok(())
    }
}

/// Every flag of the command and its subcommands, by its long name.
fn flags(command: &Command) -> BTreeMap<&str, &Arg> {
    let own = command.get_arguments().filter_map(|argument| Some((argument.get_long()?, argument)));
    command.get_subcommands().flat_map(flags).chain(own).filter(|(long, _)| *long != "config").collect()
}

/// The value as it would stand on the command line.
fn word(argument: &Arg, value: &Value) -> Option<String> {
    let is_switch = matches!(argument.get_action(), ArgAction::SetTrue | ArgAction::SetFalse);
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(value) if is_switch => Some(value.to_string()),
        Value::Boolean(value) => Some(if *value { "on" } else { "off" }.to_owned()),
        _ => None,
    }
}

/// Whether two names differ by one letter, or by the order of two.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (&a[same..], &b[same..]);
    let skip = |rest: &[char], count: usize| rest.get(count..).map(<[char]>::to_vec);
    skip(rest_a, 1) == skip(rest_b, 1)
        || skip(rest_a, 1).as_deref() == Some(rest_b)
        || skip(rest_b, 1).as_deref() == Some(rest_a)
        || (rest_a.len() >= 2
            && rest_b.len() >= 2
            && rest_a[0] == rest_b[1]
            && rest_a[1] == rest_b[0]
            && rest_a[2..] == rest_b[2..])
}

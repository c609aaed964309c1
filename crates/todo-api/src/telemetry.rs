//! The log: readable on a terminal, one JSON object a line otherwise.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts the log on standard output. `filter` is one that [`filter`] took.
pub fn start(filter: &str) {
    let named = filter.contains("actix_http");
    let mut filter = EnvFilter::new(filter);
    if !named {
        // What clients send is no error of the service; what was refused is logged there (`connection::refusal`).
        filter = filter.add_directive("actix_http=off".parse().expect("a target and a level"));
    }
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    // A second start, as in tests, keeps the first.
    let _ = if std::io::stdout().is_terminal() {
        tracing::subscriber::set_global_default(log.finish())
    } else {
        tracing::subscriber::set_global_default(log.json().flatten_event(true).finish())
    };
}

/// Checks the text of a filter.
///
/// # Errors
/// What is allowed.
pub fn filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be error, warn, info, debug or trace, or a list like info,cache_aside=debug".to_owned()),
    }
}

//! The command line. Every flag is also an environment variable: `TODO_` and the flag in capitals, unless another program has that.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use command_line::values;
use url::Url;

use crate::error::LoadgenError;
use crate::headers::{self, Header};
use crate::keys::{Ids, Keys};
use crate::schedule::{Schedule, Stage, rate_of};

/// How long a run takes if nothing else is said.
const RUN_TIME: Duration = Duration::from_secs(60);

/// Fires requests for random todos and reports latency, errors and hit ratio.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a threshold is missed. Ctrl-C, SIGTERM and SIGHUP end the run early, with
/// its report.
#[derive(Debug, Clone, Parser)]
#[command(version, about)]
pub struct Options {
    /// The service; may have a path, like http://127.0.0.1:8000/base.
    #[arg(long, env = "TODO_HOST", default_value = "http://127.0.0.1:8000", value_name = "URL", value_parser = host,
          hide_env_values = true)]
    pub host: Url,

    /// Users; each sends a request, waits for its answer, and sends the next, as soon as --rate says if that is given.
    #[arg(long, env = "TODO_USERS", allow_negative_numbers = true, default_value = "100", value_name = "N", value_parser = values::positive)]
    pub users: usize,

    /// Requests that become due a second, however long answers take (open loop); latencies count from the moment a request was
    /// due. --users bounds how many are under way.
    #[arg(long, env = "TODO_RATE", value_name = "N/s", value_parser = rate_of)]
    pub rate: Option<NonZeroU32>,

    /// As --rate, in stages: so long at so many a second, then the next; the run ends with the last one.
    #[arg(long, env = "TODO_STAGES", value_name = "DURATION:N/s,…", value_delimiter = ',')]
    pub stages: Vec<Stage>,

    /// Users started a second.
    #[arg(long, env = "TODO_HATCH_RATE", allow_negative_numbers = true, default_value = "100", value_name = "N", value_parser = values::positive)]
    pub hatch_rate: usize,

    /// How long it takes, with the start of the users; a bare number is seconds [default: 1m, or as long as --requests
    /// takes].
    #[arg(long, env = "TODO_RUN_TIME", allow_negative_numbers = true, value_name = "DURATION", value_parser = values::duration_or_seconds)]
    pub run_time: Option<Duration>,

    /// Stop after exactly so many requests in all (or at the end of --run-time, if that is given and comes first).
    #[arg(long, env = "TODO_REQUESTS", allow_negative_numbers = true, value_name = "N", value_parser = values::positive)]
    pub requests: Option<usize>,

    /// Ids that are asked for: the numbers from A to B, both included [default: 1..199999, or as far as there are todos].
    #[arg(long, env = "TODO_IDS", value_name = "A..B")]
    pub ids: Option<Ids>,

    /// How ids are drawn: each alike, or the first ones most (Zipf's law with exponent S).
    #[arg(long, env = "TODO_KEYS", default_value = "uniform", value_name = "uniform|zipf:S")]
    pub keys: Keys,

    /// Share of requests for ids that do not exist; 404 is the right answer to them.
    #[arg(long, env = "TODO_MISSING", allow_negative_numbers = true, default_value = "0", value_name = "RATIO", value_parser = values::ratio)]
    pub missing: f64,

    /// Share of requests that create a todo (POST).
    #[arg(long, env = "TODO_WRITE", allow_negative_numbers = true, default_value = "0", value_name = "RATIO", value_parser = values::ratio)]
    pub write: f64,

    /// Draw the same ids again: each user has random numbers of its own that begin here.
    #[arg(long, env = "TODO_SEED", allow_negative_numbers = true, value_name = "N", value_parser = seed)]
    pub seed: Option<u64>,

    /// How long a request may take; a bare number is seconds.
    #[arg(long, env = "TODO_TIMEOUT", allow_negative_numbers = true, default_value = "10s", value_name = "DURATION", value_parser = values::duration_or_seconds)]
    pub timeout: Duration,

    /// How long requests that are under way are waited for once the time is up, or after Ctrl-C; a bare number is seconds.
    #[arg(long, env = "TODO_GRACE", allow_negative_numbers = true, default_value = "2s", value_name = "DURATION", value_parser = values::duration_or_seconds)]
    pub grace: Duration,

    /// Header of every request, as in 'Authorization: Bearer TOKEN'; may be given more than once. (The variable has one.)
    #[arg(long = "header", env = "TODO_HEADER", value_name = "NAME: VALUE", hide_env_values = true)]
    pub headers: Vec<Header>,

    /// Trust the certificates in this file (PEM), and no others.
    #[arg(long, env = "TODO_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Trust any certificate: for tests only.
    #[arg(long, env = "TODO_INSECURE")]
    pub insecure: bool,

    /// Write the figures to this file as JSON; - is standard output.
    #[arg(long, env = "TODO_JSON", value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a page with charts to this file (HTML, nothing else needed); - is standard output.
    #[arg(long, env = "TODO_REPORT", value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Show the report at this address while the run goes on, with a button to stop it and a box to change the number of
    /// users: 127.0.0.1:8089; port 0 takes a free one. (The variable has a longer name: TODO_LIVE is the service's.)
    #[arg(long, env = "TODO_LOADGEN_LIVE", value_name = "IP:PORT")]
    pub live: Option<SocketAddr>,

    /// Keep each run: write report.html and report.json into DIR/runs/TIME/, and copies of the last run into DIR.
    #[arg(long, env = "TODO_OUT", value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Miss a threshold (exit code 3) if more than this share of requests fails [default: 0, so any failure].
    #[arg(long, env = "TODO_MAX_ERROR_RATIO", allow_negative_numbers = true, value_name = "RATIO", value_parser = values::ratio)]
    pub max_error_ratio: Option<f64>,

    /// Miss a threshold (exit code 3) if the slowest hundredth of requests takes longer.
    #[arg(long, env = "TODO_MAX_P99", value_name = "DURATION", value_parser = values::duration)]
    pub max_p99: Option<Duration>,

    /// Miss a threshold (exit code 3) if a smaller share of reads is answered from the cache.
    #[arg(long, env = "TODO_MIN_HIT_RATIO", allow_negative_numbers = true, value_name = "RATIO", value_parser = values::ratio)]
    pub min_hit_ratio: Option<f64>,
}

impl Options {
    /// What single flags cannot tell.
    ///
    /// # Errors
    /// A line that names the flags.
    pub fn check(&self) -> Result<(), LoadgenError> {
        let usage = |text: &str| Err(LoadgenError::Usage(text.to_owned()));
        if self.missing + self.write > 1.0 {
            return usage("--missing and --write: must not be above 1 together");
        }
        if self.insecure && self.ca_file.is_some() {
            return usage(
                "--insecure and --ca-file: the one trusts any certificate, the other a few; give one of them",
            );
        }
        if self.rate.is_some() && !self.stages.is_empty() {
            return usage("--rate and --stages: stages have rates of their own; give one of them");
        }
        headers::map(&self.headers)?;
        let is_stdout = |path: &Option<PathBuf>| path.as_deref().is_some_and(is_stdout);
        if is_stdout(&self.json) && is_stdout(&self.report) {
            return usage("--json and --report: only one of them can be standard output (-)");
        }
        Ok(())
    }

    /// Whether todos are asked for that should exist.
    pub(crate) fn reads(&self) -> bool {
        self.missing + self.write < 1.0
    }

    /// When the run ends, counted from the first request; none if the number of requests ends it.
    pub fn time_limit(&self) -> Option<Duration> {
        let staged = (!self.stages.is_empty()).then(|| self.stages.iter().map(|stage| stage.time).sum());
        self.run_time.or(staged).or(if self.requests.is_some() { None } else { Some(RUN_TIME) })
    }

    /// When requests are due, if they become so by themselves.
    pub(crate) fn schedule(&self) -> Option<Schedule> {
        let staged = (!self.stages.is_empty()).then(|| Schedule::of(&self.stages));
        staged.or(self.rate.map(Schedule::steady))
    }

    /// The rate as it was given, or the stages.
    pub(crate) fn shown_rate(&self) -> Option<String> {
        let stages: Vec<String> = self.stages.iter().map(Stage::to_string).collect();
        let staged = (!stages.is_empty()).then(|| stages.join(","));
        staged.or(self.rate.map(|rate| format!("{rate}/s")))
    }

    /// The host with a slash at the end, so that paths can be appended.
    pub(crate) fn base(&self) -> Url {
        let mut base = self.host.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", self.host.path()));
        }
        base
    }

    /// The host for people: without a name and a password.
    pub(crate) fn shown_host(&self) -> String {
        let mut host = self.host.clone();
        if host.set_password(None).and_then(|()| host.set_username("")).is_err() {
            return "the host".to_owned();
        }
        host.as_str().trim_end_matches('/').to_owned()
    }
}

/// Whether a file is standard output: `-`.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn host(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.filter(|url| url.query().is_none() && url.fragment().is_none());
    url.ok_or_else(|| "must be http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]".to_owned())
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "must be a whole number, 0 or above".to_owned())
}

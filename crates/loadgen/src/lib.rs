//! Fires requests for random todos and reports latency, errors and hit ratio.
//!
//! - [`options`]: the command line. [`keys`]: which id is asked for next.
//! - [`attack`]: the run, on goose: users that each send a request, wait for its answer, and send the next. `plan`: what
//!   they ask for, and when they stop. `probe`: whether the service is there at all.
//! - `client`: one user, its request and what came of it. [`check`]: whether an answer is right. [`outcome`]: what
//!   `Cache-Status` says.
//! - `recorder`: what is kept of every answer. [`summary`]: what it comes to. [`threshold`]: what it should have been.
//! - [`program`]: what the program does with all that. [`progress`]: a line each second. [`report`]: the summary for a terminal, as JSON and as a page.

pub mod attack;
pub mod check;
mod client;
pub mod error;
pub mod keys;
pub mod options;
pub mod outcome;
mod plan;
mod probe;
pub mod program;
pub mod progress;
mod recorder;
pub mod report;
pub mod summary;
pub mod threshold;

pub use attack::run;
pub use error::LoadgenError;
pub use options::Options;
pub use summary::Summary;

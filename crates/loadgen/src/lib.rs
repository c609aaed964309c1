//! Fires requests for random todos and reports latency, errors and hit ratio.
//!
//! - [`options`]: the command line. [`keys`]: which id is asked for next.
//! - [`attack`]: the run, on goose: users that each send a request, wait for its answer, and send the next.
//! - `client`: one request and what came of it. [`check`]: whether an answer is right. [`outcome`]: what
//!   `Cache-Status` says.
//! - `recorder`: what is kept of every answer. [`summary`]: what it comes to. [`threshold`]: what it should have been.
//! - [`report`]: the summary for a terminal and as a page.

pub mod attack;
pub mod check;
mod client;
pub mod error;
pub mod keys;
pub mod options;
pub mod outcome;
mod recorder;
pub mod report;
pub mod summary;
pub mod threshold;

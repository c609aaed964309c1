//! Fires requests for random todos and reports latency, errors and hit ratio.
//!
//! - [`options`]: the command line. [`keys`]: which ids are asked for, and which of them is next.
//! - [`attack`]: the run, on goose: users that each send a request, wait for its answer, and send the next. `plan`: what
//!   they ask for, and when they stop. [`schedule`]: when requests are due in an open loop. `ending`: how long the rest is
//!   waited for. [`signals`]: what ends a run early.
//! - `probe`: whether the service is there, and the todos. `descriptors`: the limit that many users need raised.
//! - `client`: one user. `connector`: how it reaches the service. `request`: what passes from it to the recorder.
//!   [`check`]: whether an answer is right. `failure`: why not, in words. [`outcome`]: what `Cache-Status` says.
//! - `recorder`: what is kept of every answer. [`figures`]: what reports are made of. [`summary`]: what a run comes to.
//!   [`threshold`]: what it should have been. `hints`: what is likely wrong.
//! - `live`: the report while the run goes on. `crew`: how many users send requests then.
//! - [`headers`]: what every request has besides. [`own_cost`]: what the run itself costs.
//! - [`program`]: what the program does with all that. [`progress`]: a line each second. [`report`]: the summary for a
//!   terminal, as JSON and as a page.

pub mod attack;
pub mod check;
mod client;
mod connector;
mod crew;
mod descriptors;
mod ending;
pub mod error;
mod failure;
pub mod figures;
pub mod headers;
mod hints;
pub mod keys;
mod live;
pub mod options;
pub mod outcome;
pub mod own_cost;
mod plan;
mod probe;
pub mod program;
pub mod progress;
mod recorder;
pub mod report;
mod request;
pub mod schedule;
pub mod signals;
pub mod summary;
pub mod threshold;

pub use attack::run;
pub use error::LoadgenError;
pub use options::Options;
pub use summary::Summary;

//! Drives real processes of the service, breaks things under them, and checks what their clients saw.
//!
//! - [`history`]: what is recorded. [`checker`]: what must hold of it. [`clock`]: when.
//! - [`cluster`]: the processes and servers. [`store`]: the database behind them. [`workload`]: what is asked of them. [`faults`]: what is broken.
//! - [`sampler`]: looks at cells. [`resources`]: what processes hold. [`quiet`]: what everybody says in the end.
//! - [`run`]: all of that together. [`report`]: what came of it.
//! - [`experiment`]: one fault, what it costs and how long.
//! - [`model`]: every interleaving of the rules, without any process.
//! - [`options`], [`program`]: the command line. [`error`]: why a run could not be made.

pub mod checker;
pub mod clock;
pub mod cluster;
pub mod error;
pub mod experiment;
pub mod faults;
pub mod history;
pub mod model;
pub mod options;
pub mod program;
pub mod quiet;
pub mod report;
pub mod resources;
pub mod run;
pub mod sampler;
pub mod store;
pub mod workload;

pub use error::CheckError;

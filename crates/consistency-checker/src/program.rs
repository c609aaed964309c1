//! What the program does between its command line and its exit code.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use test_servers::fresh_name;

use crate::cluster::system::{Servers, System, beside_this_program};
use crate::cluster::{CacheServers, Cluster, ClusterOptions};
use crate::error::CheckError;
use crate::experiment::row::{Row, Table};
use crate::experiment::{Phases, experiment};
use crate::faults::Fault;
use crate::faults::schedule::FaultPlan;
use crate::model::{Found, Setup, check};
use crate::options::{Command, Experiments, Model, Run, StoreServers, Switch};
use crate::report::Report;
use crate::run::{self, RunOptions};
use crate::workload::Work;
use crate::workload::plan::Plan;

/// What a command came to.
#[derive(Debug)]
pub struct Done {
    /// To be read.
    pub text: String,
    /// Whether nothing was wrong.
    pub is_clean: bool,
}

/// Does what the command line says.
///
/// # Errors
/// It could not be done.
pub async fn run(command: &Command) -> Result<Done, CheckError> {
    match command {
        Command::Run(flags) => {
            let report = run_once(flags).await?;
            let faults = flags.faults.of(flags.service, flags.store, flags.cache)?;
            let is_clean = report.passes(flags.flat == Switch::On);
            Ok(Done { text: format!("{}\n{report}", describe(flags, &faults)), is_clean })
        }
        Command::Faults(flags) => {
            let rows = experiments(flags).await?;
            let is_clean = rows.iter().all(|row| row.wrong == 0);
            Ok(Done { text: Table(&rows).to_string(), is_clean })
        }
        Command::Model(flags) => {
            let found = model(flags);
            Ok(Done { text: found.to_string(), is_clean: found.story.is_none() })
        }
    }
}

/// What it takes to run the same again.
fn describe(flags: &Run, faults: &[Fault]) -> String {
    let faults: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
    format!(
        "{}{}, {} s, seed {}, {} processes, {} clients, write policy {}, L1 {}, faults {}",
        flags.service.name(),
        match flags.cache {
            CacheServers::Redis => "",
            CacheServers::Cluster => " over a Redis Cluster",
            CacheServers::Sentinel => " over a Redis with sentinels",
        },
        flags.seconds,
        flags.seed,
        flags.processes,
        flags.clients,
        flags.write_policy.name(),
        if flags.l1_ttl.is_zero() { "off".to_owned() } else { format!("{} ms", flags.l1_ttl.as_millis()) },
        if faults.is_empty() { "none".to_owned() } else { faults.join(",") }
    )
}

/// Starts the cluster, runs, and writes the report where it is wanted.
///
/// # Errors
/// The run could not be made, or its report not be written.
pub async fn run_once(flags: &Run) -> Result<Report, CheckError> {
    let faults = flags.faults.of(flags.service, flags.store, flags.cache)?;
    let cluster = Arc::new(Cluster::start(&cluster_options(flags, &faults)?).await?);
    let report = run::run(&cluster, &run_options(flags, &faults)).await?;
    write_json(flags.json.as_deref(), &report)?;
    Ok(report)
}

/// One experiment for each fault, over one cluster; says which is under way.
///
/// # Errors
/// One could not be made, or the table not be written.
pub async fn experiments(flags: &Experiments) -> Result<Vec<Row>, CheckError> {
    let system = System::TodoApi;
    let faults = flags.faults.of(system, None, CacheServers::Redis)?;
    let three = faults.iter().any(|fault| fault.needs_replica_set());
    let options = ClusterOptions {
        system,
        api: program_of(system, flags.api.as_deref())?,
        processes: 2,
        flags: Vec::new(),
        variables: vec![("TODO_LOG".to_owned(), "error".to_owned())],
        clocks: Vec::new(),
        store: if three { Servers::Three } else { Servers::One },
        cache: CacheServers::Redis,
        links: faults.iter().any(|fault| fault.needs_links()),
    };
    let cluster = Arc::new(Cluster::start(&options).await?);
    let phases = Phases { before: flags.phase, during: flags.phase, after: flags.phase };
    let clients = u32::try_from(flags.clients).unwrap_or(u32::MAX);
    let mut rows = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        eprintln!("{} of {}: {}", number + 1, faults.len(), fault.name());
        rows.push(experiment(&cluster, *fault, phases, clients, flags.seed.wrapping_add(number as u64)).await?);
    }
    write_json(flags.json.as_deref(), &rows)?;
    Ok(rows)
}

fn write_json(file: Option<&Path>, value: &impl Serialize) -> Result<(), CheckError> {
    if let Some(file) = file {
        let json = serde_json::to_vec_pretty(value).map_err(std::io::Error::from)?;
        std::fs::write(file, json)?;
    }
    Ok(())
}

fn program_of(system: System, given: Option<&Path>) -> Result<PathBuf, CheckError> {
    given.map_or_else(|| beside_this_program(system.program()), |path| Ok(path.to_owned()))
}

/// Goes through the model.
pub fn model(flags: &Model) -> Found {
    check(&Setup {
        crashes: flags.crashes,
        swaps: flags.swaps,
        processes: flags.processes,
        writers_apart: flags.writers_apart == Switch::On,
        l1: flags.l1 == Switch::On,
        invalidate: flags.invalidate == Switch::On,
        off: flags.off.clone(),
        ..Setup::new(flags.sizes.writers, flags.sizes.readers, flags.sizes.losses)
    })
}

fn cluster_options(flags: &Run, faults: &[Fault]) -> Result<ClusterOptions, CheckError> {
    let (set, three) = (flags.store, faults.iter().find(|fault| fault.needs_replica_set()));
    let store = match (set, three) {
        (Some(StoreServers::MongodbSet), _) if flags.service != System::TodoApi => {
            let service = flags.service.name();
            return Err(CheckError::Usage(format!("--store mongodb-set: --service {service} has no MongoDB")));
        }
        (Some(StoreServers::Single), Some(fault)) => {
            let fault = fault.name();
            return Err(CheckError::Usage(format!("--faults {fault} takes a replica set: --store mongodb-set")));
        }
        (Some(StoreServers::MongodbSet), _) | (None, Some(_)) => Servers::Three,
        _ => Servers::One,
    };
    Ok(ClusterOptions {
        system: flags.service,
        api: program_of(flags.service, flags.api.as_deref())?,
        processes: u32::try_from(flags.processes).unwrap_or(u32::MAX),
        flags: flags.service.flags(flags.write_policy, flags.l1_ttl.as_millis()),
        variables: vec![("TODO_LOG".to_owned(), "warn".to_owned())],
        clocks: Vec::new(),
        store,
        cache: flags.cache,
        links: faults.iter().any(|fault| fault.needs_links()),
    })
}

fn run_options(flags: &Run, faults: &[Fault]) -> RunOptions {
    let mut plan = Plan::new(&fresh_name("todo"));
    plan.clients = u32::try_from(flags.clients).unwrap_or(u32::MAX);
    if flags.foreign_writer == Switch::Off {
        plan.foreign_ids.clear();
    }
    RunOptions {
        duration: Duration::from_secs(flags.seconds as u64),
        at_least: Work::default(),
        seed: flags.seed,
        plan,
        faults: FaultPlan::of(faults),
        l1_ttl: flags.l1_ttl,
        last_words: true,
    }
}

//! `Chosen`: which faults a command line asks for.

use clap::ValueEnum;

use super::Fault;
use crate::cluster::CacheServers;
use crate::cluster::system::System;
use crate::error::CheckError;
use crate::options::StoreServers;

/// What is broken in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// All that a service has.
    All,
    /// These.
    Some(Vec<Fault>),
}

impl Chosen {
    /// Those that are done to this service over these servers.
    ///
    /// # Errors
    /// One was named that it does not have.
    pub fn of(
        &self,
        system: System,
        servers: Option<StoreServers>,
        cache: CacheServers,
    ) -> Result<Vec<Fault>, CheckError> {
        match self {
            Self::All => {
                let all = Fault::value_variants().iter().copied();
                let possible = |fault: &Fault| {
                    fault.is_possible_for(system)
                        && fault.is_possible_over(cache)
                        && (servers != Some(StoreServers::Single) || !fault.needs_replica_set())
                };
                Ok(all.filter(possible).collect())
            }
            Self::Some(kinds) => match kinds.iter().find(|fault| !fault.is_possible_for(system)) {
                Some(fault) => {
                    let (fault, system) = (fault.name(), system.name());
                    Err(CheckError::Usage(format!(
                        "--faults {fault} is done to MongoDB, and --service {system} has none"
                    )))
                }
                None => match kinds.iter().find(|fault| !fault.is_possible_over(cache)) {
                    Some(fault) => {
                        let (name, servers) = (fault.name(), CacheServers::value_variants().iter());
                        let possible: Vec<&str> = servers
                            .filter(|servers| fault.is_possible_over(**servers))
                            .map(|servers| servers.name())
                            .collect();
                        let possible = possible.join(" or ");
                        Err(CheckError::Usage(format!("--faults {name} is done to other servers: --cache {possible}")))
                    }
                    None => Ok(kinds.clone()),
                },
            },
        }
    }

    /// From `all`, `none`, or kinds with commas between them.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "all" => return Ok(Self::All),
            "none" => return Ok(Self::Some(Vec::new())),
            _ => {}
        }
        let kinds = text.split(',').map(|name| Fault::from_str(name.trim(), false));
        kinds.collect::<Result<_, _>>().map(Self::Some).map_err(|_| {
            let names: Vec<&str> = Fault::value_variants().iter().map(|fault| fault.name()).collect();
            format!("must be all, none, or kinds with commas between them: {}", names.join(", "))
        })
    }
}

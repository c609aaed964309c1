//! The program: flags, variables, exit codes.

use std::process::{Command, Output};

use test_servers::fresh_name;

/// The program with these flags, and without what the environment says.
fn checker(flags: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_consistency-checker"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TODO_")) {
        program.env_remove(name);
    }
    program.args(flags).envs(variables.iter().copied()).output().unwrap()
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_wrong_flag_ends_it_with_one_line_and_code_2() {
    for (flags, names) in [
        (&["run", "--faults", "flush,fire"][..], "--faults"),
        (&["run", "--seconds", "0"], "--seconds"),
        (&["run", "--service", "mysql"], "--service"),
        (&["run", "--write-policy", "behind"], "--write-policy"),
        (&["run", "--store", "raid"], "--store"),
        (&["run", "--service", "postgres", "--faults", "flush,swap"], "--faults swap"),
        (&["run", "--service", "postgres", "--store", "mongodb-set"], "--store mongodb-set"),
        (&["run", "--store", "single", "--faults", "step-down"], "--faults step-down"),
        (&["run", "--cache", "shared"], "--cache"),
        (&["run", "--faults", "flush,slots"], "--faults slots"),
        (&["run", "--cache", "cluster", "--faults", "shard-kill,snapshot"], "--faults snapshot"),
        (&["run", "--cache", "cluster", "--faults", "redis-cut"], "--faults redis-cut"),
        (&["run", "--cache", "sentinel", "--faults", "failover,slots"], "--cache cluster"),
        (&["run", "--faults", "failover-kill"], "--cache sentinel"),
        (&["run", "--l1-ttl", "soon"], "--l1-ttl"),
        (&["run", "--flat", "nearly"], "--flat"),
        (&["model", "2,2"], "2,2,1"),
        (&["model", "1,1,0", "--off", "gravity"], "--off"),
    ] {
        let output = checker(flags, &[]);
        let error = error_of(&output);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {error}");
        assert!(error.contains(names) && error.trim_end().lines().count() == 1, "{flags:?}: {error}");
    }
}

#[test]
fn every_flag_is_a_variable_too() {
    let output = checker(&["run"], &[("TODO_VERIFY_FAULTS", "fire")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("--faults"), "{}", error_of(&output));
}

#[test]
fn a_service_that_is_not_there_is_named() {
    let output = checker(&["run", "--api", "no/such/program"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("no/such/program is not there"), "{}", error_of(&output));
    let output = checker(&["run", "--service", "postgres", "--api", "no/such/program"], &[]);
    assert!(error_of(&output).contains("cargo build -p cache-aside --example postgres"), "{}", error_of(&output));
}

#[test]
fn a_model_that_holds_ends_with_0_and_one_that_does_not_with_1() {
    let output = checker(&["model", "1,1,1"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("holds: "));
    let output = checker(&["model", "1,1,1", "--off", "version-reuse"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.starts_with("wrong after ") && told.contains("known when it began"), "{told}");
}

#[test]
fn a_run_prints_its_figures_and_writes_them_as_json() {
    let (api, json) = (crate::support::api(), std::env::temp_dir().join(test_servers::fresh_name("verify-report")));
    let (api, file) = (api.to_str().unwrap(), json.to_str().unwrap());
    let output =
        checker(&["run", "--seconds", "1", "--seed", "7", "--faults", "none", "--api", api, "--json", file], &[]);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    std::fs::remove_file(&json).unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}{}", error_of(&output));
    assert!(
        told.starts_with("todo-api, 1 s, seed 7, 2 processes") && told.contains("violations            0"),
        "{told}"
    );
    assert!(report["reads_checked"].as_u64().unwrap() > 0);
    assert_eq!(report["violations"].as_array().unwrap().len(), 0);
}

#[test]
fn faults_are_a_table_and_the_same_as_json() {
    let json = std::env::temp_dir().join(fresh_name("faults"));
    let flags = ["faults", "--faults", "cell,connections", "--phase", "1s", "--clients", "4", "--json"];
    let output = checker(&[&flags[..], &[json.to_str().unwrap()]].concat(), &[]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{table}{}", error_of(&output));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    std::fs::remove_file(json).unwrap();
    assert_eq!(rows.len(), 2, "{table}");
    for (row, name) in rows.iter().zip(["cell", "connections"]) {
        assert_eq!((row["fault"].as_str(), row["wrong"].as_u64()), (Some(name), Some(0)), "{table}");
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains(&row["requests"].to_string()), "{line}");
    }
    assert_eq!(checker(&["faults", "--phase", "soon"], &[]).status.code(), Some(2));
}

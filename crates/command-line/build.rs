//! Tells the program which commit it is built from. Only in a release: a debug build would be linked anew after each commit.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=TODO_COMMIT");
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    // A build without the history (an image, a package) is told by the variable.
    let commit = std::env::var("TODO_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty())
        .or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    if let Some(log) = git(&["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
    if let Some(commit) = commit {
        println!("cargo:rustc-env=TODO_BUILT_FROM={commit}");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned())
}

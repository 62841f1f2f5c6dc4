//! What the sandbox recorded in tests, held against the vendors' published specs.
//!
//! The specs are other people's text and not part of the project: the checker and they lie beside the checkout, in
//! `../shared`. Without them this step says so and passes; the sandbox's own schemas have checked the requests then.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::machine::run;

const CHECKER: &str = "../shared/wirecheck";
/// What the checker imports.
const PACKAGES: &[&str] = &["jsonschema", "openapi-schema-validator", "pyyaml"];

pub fn check() -> anyhow::Result<()> {
    let checker = Path::new(CHECKER);
    if !checker.is_file() {
        println!("wire: no checker and specs at {CHECKER}; left out");
        return Ok(());
    }
    let records = records()?;
    if records.is_empty() {
        bail!("wire: the tests recorded nothing; run `cargo test` first");
    }
    let python = environment()?;
    for record in records {
        run(Command::new(&python).arg(checker).arg(&record))?;
    }
    Ok(())
}

fn records() -> anyhow::Result<Vec<PathBuf>> {
    let folder = Path::new("target/tmp/wire");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A Python environment of the checkout's own; its interpreter.
fn environment() -> anyhow::Result<PathBuf> {
    let folder = Path::new("target/venv");
    let python = folder.join("bin/python");
    if !python.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))
            .context("Debian's package python3-venv makes it")?;
    }
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(PACKAGES))?;
    Ok(python)
}

//! `cargo xtask bench`: builds hub and bench as they are released, and runs the bench (`xtask/bench`).

use std::ffi::OsString;
use std::process::Command;

use crate::machine::{run, set_up};
use crate::steps::cargo;

/// The options are the bench's own.
pub fn run_bench(options: &[OsString]) -> anyhow::Result<()> {
    set_up()?;
    // Both in one call, so that what they share is built once.
    let packages = ["--package", "campanile", "--package", "campanile-bench"];
    run(cargo()
        .args(["build", "--release", "--locked"])
        .args(packages))?;
    run(Command::new("target/release/campanile-bench").args(options))
}

//! The steps of `cargo xtask test`, in the order in which they fail fastest.

use std::process::Command;

use crate::machine::{run, set_up};
use crate::{supply, tests, wire};

/// One build profile for all steps: two cores and no cache between runs.
pub fn test(lints_only: bool) -> anyhow::Result<()> {
    supply::check()?;
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    if lints_only {
        return Ok(());
    }
    set_up()?;
    tests::run_all()?;
    run(cargo().args(["test", "--workspace", "--locked", "--doc", "--quiet"]))?;
    wire::check()?;
    println!("all checks passed");
    Ok(())
}

pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

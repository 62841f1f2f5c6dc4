//! The steps of `cargo xtask test`, in the order in which they fail fastest.

use std::process::Command;

use crate::machine::{run, set_up};
use crate::{supply, wire};

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
    // Every test target is built before the first runs, so that a broken one is known at once.
    run(cargo().args(["test", "--workspace", "--locked", "--no-run"]))?;
    run(cargo().args(["test", "--workspace", "--locked"]))?;
    // The engine's tests once more, on the other store. (The store's own, and those of several nodes, name theirs.)
    run(cargo()
        // Of the whole workspace, so that nothing is built once more with other features.
        .args(["test", "--workspace", "--locked", "--test", "it"])
        .env("CAMPANILE_TEST_STORE", "postgres"))?;
    wire::check()?;
    println!("all checks passed");
    Ok(())
}

pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

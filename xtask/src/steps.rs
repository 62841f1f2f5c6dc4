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

/// Cargo as people call it. What `cargo run` tells a program about its package would make build scripts run once more.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

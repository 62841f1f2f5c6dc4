//! What the tests need on the machine: other people's programs, run for real.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// A program that tests run, and the Debian package that has it.
const PROGRAMS: &[(&str, &str, &str)] = &[
    (
        "prometheus",
        "prometheus",
        "a real Prometheus is pointed at the hub",
    ),
    (
        "chromium",
        "chromium",
        "pages are looked at by a real browser",
    ),
    (
        "python3",
        "python3-venv",
        "clients and checkers that others wrote",
    ),
];

/// Installs what is missing as root; otherwise says what to install.
pub fn set_up() -> anyhow::Result<()> {
    let missing: Vec<_> = PROGRAMS
        .iter()
        .filter(|(program, _, _)| !on_path(program))
        .collect();
    if missing.is_empty() {
        println!("set-up: everything that the tests need is there");
        return Ok(());
    }
    for (program, package, why) in &missing {
        println!("set-up: {program} is missing ({why}); Debian package {package}");
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    if !is_root() {
        bail!(
            "as root, run: apt-get update && apt-get install --yes {}",
            packages.join(" ")
        );
    }
    run(Command::new("apt-get").arg("update").arg("--quiet=2"))?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install
        .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
        .args(&packages);
    run(&mut install)
}

fn on_path(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&path)
        .chain(["/usr/bin".into(), "/usr/sbin".into()])
        .any(|dir| dir.join(program).is_file())
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}

/// Runs a command, shown first; its failure is an error.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = shown(command);
    println!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let args = command.get_args().map(|a| a.to_string_lossy());
    std::iter::once(program)
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}

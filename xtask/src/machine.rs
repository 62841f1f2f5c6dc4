//! What the tests need on the machine: other people's programs, run for real.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// A program that tests run, the Debian package that has it, and what for.
const PROGRAMS: &[(&str, &str, &str)] = &[
    (
        "prometheus",
        "prometheus",
        "a real Prometheus is pointed at the hub",
    ),
    (
        "postgres",
        "postgresql",
        "the tests start PostgreSQL servers of their own",
    ),
    (
        ALERTMANAGER,
        ALERTMANAGER,
        "the bench measures it beside the hub",
    ),
];
/// The program, its package and its service have one name.
const ALERTMANAGER: &str = "prometheus-alertmanager";
/// There where systemd runs.
const SYSTEMD: &str = "/run/systemd/system";
/// Debian keeps each version's server in `<version>/bin` here, and off the `PATH`.
const POSTGRES: &str = "/usr/lib/postgresql";
/// Debian makes and starts a server when the package comes, unless a file here says that it is not wanted.
const NO_SERVER: (&str, &str) = (
    "/etc/postgresql-common/createcluster.d/campanile-tests.conf",
    "# The package is here for tests, which start servers of their own. Without this file Debian makes one.\n\
     create_main_cluster = false\n",
);

/// Installs what is missing as root; otherwise says what to install.
pub fn set_up() -> anyhow::Result<()> {
    let mut missing: Vec<(&str, &str, &str)> = PROGRAMS
        .iter()
        .copied()
        .filter(|(program, _, _)| !is_here(program))
        .collect();
    if !makes_environments() {
        missing.push((
            "python3 -m venv",
            "python3-venv",
            "checkers that others wrote",
        ));
    }
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
    if packages.contains(&"postgresql") {
        want_no_server()?;
    }
    run(Command::new("apt-get").arg("update").arg("--quiet=2"))?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install
        .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
        .args(&packages);
    run(&mut install)?;
    if packages.contains(&ALERTMANAGER) && Path::new(SYSTEMD).is_dir() {
        // Debian starts it at once and at each boot; the bench starts its own.
        run(Command::new("systemctl").args(["disable", "--now", ALERTMANAGER]))?;
    }
    Ok(())
}

fn is_here(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    let versions = std::fs::read_dir(POSTGRES).into_iter().flatten().flatten();
    std::env::split_paths(&path)
        .chain(["/usr/bin".into(), "/usr/sbin".into()])
        .chain(versions.map(|version| version.path().join("bin")))
        .any(|dir| dir.join(program).is_file())
}

/// Leaves a file of another's making as it is.
fn want_no_server() -> anyhow::Result<()> {
    let (path, text) = NO_SERVER;
    let path = Path::new(path);
    if path.exists() {
        return Ok(());
    }
    println!(
        "set-up: {} keeps Debian from starting a PostgreSQL server of its own",
        path.display()
    );
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Debian's python3 alone cannot make virtual environments.
fn makes_environments() -> bool {
    let tried = Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .stderr(std::process::Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
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

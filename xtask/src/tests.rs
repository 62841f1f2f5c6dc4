//! Runs the tests: builds every test program, then runs two at a time. Some wait more than they work (for a real
//! Prometheus's next round, for a lease to run out, for a node to come back); beside them the others use the processors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::steps::cargo;

/// The test programs that mostly wait, by package and name. They run one after another, beside all others.
const WAITING: &[(&str, &str)] = &[
    ("campanile", "nodes"),
    ("campanile", "kill"),
    ("campanile", "clients"),
];
/// The engine's tests run once more on the other store. (The store's own, and those of several nodes, name theirs.)
const AGAIN: (&str, &str) = ("campanile-engine", "it");
const OTHER_STORE: (&str, &str) = ("CAMPANILE_TEST_STORE", "postgres");

/// What each printed last.
const PRINTED: &str = "target/tmp/tests";

/// One run of one test program.
struct Run {
    title: String,
    program: PathBuf,
    /// The package's folder, in which cargo would run it.
    folder: PathBuf,
    /// Set for this run only.
    variable: Option<(&'static str, &'static str)>,
}

/// Builds and runs every test of the workspace, on both stores. An error names the programs that failed; what they
/// printed has been shown.
pub fn run_all() -> anyhow::Result<()> {
    let (waiting, working) = queues(build()?)?;
    let failed = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| in_turn(waiting));
        let mut failed = in_turn(working);
        failed.extend(
            waiting
                .join()
                .unwrap_or_else(|_| vec!["a thread of xtask".to_owned()]),
        );
        failed
    });
    if !failed.is_empty() {
        bail!("these tests failed: {}", failed.join(", "));
    }
    Ok(())
}

/// A test program by package and name, in cargo's order.
type Programs = Vec<((String, String), Run)>;

/// All test targets are built before the first runs, so that a broken one is known at once.
fn build() -> anyhow::Result<Programs> {
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--locked", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped());
    println!("$ cargo test --workspace --locked --no-run");
    let output = command.spawn()?.wait_with_output()?;
    if !output.status.success() {
        bail!("the tests do not build ({})", output.status);
    }
    let mut programs = Programs::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: Value = serde_json::from_str(line).context("cargo printed no JSON")?;
        if message["profile"]["test"] != true {
            continue;
        }
        let (Some(program), Some(manifest)) = (
            message["executable"].as_str(),
            message["manifest_path"].as_str(),
        ) else {
            continue;
        };
        let folder = Path::new(manifest)
            .parent()
            .context("a manifest lies in a folder")?;
        let package = message["package_id"].as_str().unwrap_or_default();
        let package = package_name(package).to_owned();
        let name = message["target"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let run = Run {
            title: format!("{package} {name}"),
            program: program.into(),
            folder: folder.into(),
            variable: None,
        };
        programs.push(((package, name), run));
    }
    Ok(programs)
}

/// `path+file:///…/crates/store#campanile-store@0.1.0` and `path+file:///…/xtask#0.1.0` both name their package.
fn package_name(id: &str) -> &str {
    let (path, rest) = id.rsplit_once('#').unwrap_or((id, ""));
    match rest.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

/// Those that wait, and the others. A name above that no program has is an error: it would be a lie.
fn queues(programs: Programs) -> anyhow::Result<(Vec<Run>, Vec<Run>)> {
    let mut waiting = BTreeMap::new();
    let mut working = Vec::new();
    let mut again = None;
    for ((package, name), run) in programs {
        let key = (package.as_str(), name.as_str());
        if key == AGAIN {
            again = Some(Run {
                title: format!("{} on {}", run.title, OTHER_STORE.1),
                program: run.program.clone(),
                folder: run.folder.clone(),
                variable: Some(OTHER_STORE),
            });
        }
        match WAITING.iter().position(|waits| *waits == key) {
            Some(place) => drop(waiting.insert(place, run)),
            None => working.push(run),
        }
    }
    if waiting.len() != WAITING.len() {
        bail!("a test program that xtask/src/tests.rs names is not there");
    }
    working.push(again.context("the engine's tests are not there")?);
    Ok((waiting.into_values().collect(), working))
}

/// Runs one after another; the titles of those that failed.
fn in_turn(runs: Vec<Run>) -> Vec<String> {
    let mut failed = Vec::new();
    for run in runs {
        println!("running: {}", run.title);
        let (outcome, seconds) = timed(|| output(&run));
        // In one piece, so that two programs' lines do not mix.
        match outcome {
            Ok((true, text)) => println!("{text}\nok: {} in {seconds} s", run.title),
            Ok((false, text)) => {
                println!("{text}\nFAILED: {} after {seconds} s", run.title);
                failed.push(run.title);
            }
            Err(error) => {
                println!("FAILED: {} cannot be run: {error:#}", run.title);
                failed.push(run.title);
            }
        }
    }
    failed
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a chore took, shown to people"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed().as_secs())
}

/// Whether it passed, and all that it printed. Into a file and not a pipe: a server that a failed test left behind would
/// keep a pipe open.
fn output(run: &Run) -> anyhow::Result<(bool, String)> {
    std::fs::create_dir_all(PRINTED)?;
    let path = Path::new(PRINTED).join(format!("{}.txt", run.title.replace(' ', "-")));
    let file = std::fs::File::create(&path)?;
    let status = Command::new(&run.program)
        .current_dir(&run.folder)
        .env("CARGO_MANIFEST_DIR", &run.folder)
        .envs(run.variable)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()?;
    let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
    Ok((status.success(), text))
}

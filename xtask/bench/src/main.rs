//! `cargo xtask bench`: Alertmanager and Campanile, alternating in one run, under the same generator and receiver.
//! What each row means stands in `docs/performance.md`.

mod alerts;
mod clock;
mod generator;
mod http;
mod phases;
mod receiver;
mod report;
mod rows;
mod sample;
mod servers;
mod surroundings;
mod usage;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::clock::Stopwatch;
use crate::phases::{Phase, Work};
use crate::report::Report;
use crate::rows::Only;
use crate::sample::Sample;
use crate::servers::{Kind, Places};
use crate::usage::Disk;

/// Measures Campanile beside Debian's Alertmanager, on this machine.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Part {
    /// The bare endpoint: started by the bench itself.
    #[command(hide = true)]
    Bare { address: SocketAddr },
}

#[derive(Args)]
struct Options {
    /// A tenth of the work, one round: does it work, about a minute.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Also up to a million alerts.
    #[arg(long)]
    full: bool,
    /// How often each server is measured; the figure is the median [default: 3, with --quick 1].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// Only this row, and what is measured with it; may be given several times.
    #[arg(long, value_name = "ROW", value_enum)]
    only: Vec<Only>,
    /// Writes every measurement to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures only Campanile: for work on it, without ratios.
    #[arg(long)]
    alone: bool,
}

/// Alerts of each phase with `--quick`.
const QUICK_ALERTS: usize = 10_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.part {
        Some(Part::Bare { address }) => servers::serve_bare(address).await,
        // Told to stop, the future is dropped, and with it the server that just runs.
        None => tokio::select! {
            done = bench(&cli.options) => done,
            () = told_to_stop() => anyhow::bail!("stopped before the end"),
        },
    }
}

/// Until Ctrl-C or SIGTERM.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => std::future::pending().await,
    }
}

async fn bench(options: &Options) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let binaries = own
        .parent()
        .context("this program lies in no folder")?
        .to_owned();
    let data = binaries.join("bench");
    std::fs::create_dir_all(&data)?;
    let alertmanager = match options.alone {
        true => None,
        false => Some(servers::alertmanager_version()?),
    };
    let work = Work {
        alerts: if options.quick {
            QUICK_ALERTS
        } else {
            report::BUDGET_ALERTS
        },
        disk: Disk::under(&data)?,
        places: Places { binaries, data },
    };
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 3 });
    let mut report = Report::new(surroundings::look(alertmanager)?, rounds, work.alerts);
    report.show_surroundings();
    let watch = Stopwatch::start();
    for round in 0..rounds {
        for phase in Phase::ALL {
            if !phase.is_wanted(&options.only) || (phase == Phase::Growth && !options.full) {
                continue;
            }
            // A million alerts are grown once, and say the same each time.
            if phase == Phase::Growth && round > 0 {
                continue;
            }
            for kind in order(round) {
                if phase.is_for(kind) && !(options.alone && kind == Kind::Alertmanager) {
                    println!(
                        "{:4.0} s  round {} of {rounds}, {phase:?}, {}",
                        watch.seconds(),
                        round + 1,
                        kind.name()
                    );
                    let samples = phase.run(kind, &work).await;
                    let samples =
                        samples.with_context(|| format!("{phase:?} failed for {}", kind.name()))?;
                    samples.iter().for_each(show);
                    report.add(samples);
                }
            }
        }
    }
    report.finish(options.json.as_deref())
}

/// Who is first changes from round to round.
fn order(round: u32) -> [Kind; 3] {
    match round % 2 {
        0 => [Kind::Bare, Kind::Alertmanager, Kind::Campanile],
        _ => [Kind::Bare, Kind::Campanile, Kind::Alertmanager],
    }
}

fn show(sample: &Sample) {
    let note = match sample.note.as_str() {
        "" => String::new(),
        note => format!(" ({note})"),
    };
    println!(
        "        {}: {}{note}",
        sample.row.title(),
        report::number(sample.value)
    );
}

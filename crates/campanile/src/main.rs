//! Campanile: one binary that hears every alerting dialect and tells every service that should know.

mod admin;
mod check;
mod cli;
mod client;
mod config;
mod demo;
mod import;
mod sandbox_command;
mod serve;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use model::{Clock, SystemClock};

use crate::cli::{Cli, Command};

/// A hub's work is many small allocations, made in one thread and freed in another.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// 0: done. 1: it failed, or the checked file has problems. 2 (by clap): the command line is not understood.
#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command).await {
        Ok(code) => code,
        // `campanile alerts list | head` ends by closing the pipe.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    match command {
        Command::Serve(options) => serve::run(options).await?,
        Command::Demo(options) => demo::run(options).await?,
        Command::Sandbox(args) => sandbox_command::run(args).await?,
        Command::Check(args) => {
            let (text, fine) = check::run(&args, SystemClock.now());
            out.write_all(text.as_bytes())?;
            return Ok(if fine {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Import(args) => {
            let imported = import::run(&args.file)?;
            match &args.out {
                None => out.write_all(imported.yaml.as_bytes())?,
                Some(path) => write_new(path, &imported.yaml)?,
            }
            eprint!("{}", imported.report);
        }
        Command::Admin(args) => {
            admin::run(args, std::sync::Arc::new(SystemClock), &mut out).await?
        }
        Command::Send(args) => {
            let text = client::send(&args).await?;
            out.write_all(text.as_bytes())?;
        }
        Command::Alerts(args) => {
            client::alerts(&args, &user(), &SystemClock, &mut out, until_told()).await?;
        }
        Command::Attempts(args) => client::attempts(&args, &SystemClock, &mut out).await?,
        Command::Integrations(args) => {
            let code = client::integrations(&args, &SystemClock, &mut out).await?;
            out.flush()?;
            return Ok(code);
        }
        Command::Silences(args) => {
            client::silences(&args, &user(), &SystemClock, &mut out).await?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Who works here, for logs.
fn user() -> String {
    let mut names = ["USER", "LOGNAME"].into_iter();
    let user = names.find_map(|name| std::env::var(name).ok());
    user.filter(|user| !user.is_empty())
        .unwrap_or_else(|| "somebody".to_owned())
}

/// Writes a file that does not exist yet: what people went on with is never overwritten.
fn write_new(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    use anyhow::Context as _;
    let file = std::fs::File::create_new(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// Until Ctrl-C or SIGTERM. Where no handler can be set they end the process anyway.
pub async fn until_told() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _told = tokio::signal::ctrl_c().await;
        }
    }
}

/// An error with its causes, one on each line; a configuration file's problems as `check` prints them.
fn report(error: &anyhow::Error) {
    if let Some(config::LoadError::Problems { path, problems }) = error.downcast_ref() {
        eprint!("{}", check::lines(path, problems));
        return;
    }
    eprintln!("campanile: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

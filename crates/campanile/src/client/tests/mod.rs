//! The client against a hub that gives canned answers of the contract, over real HTTP on loopback.

mod hub;
mod reading;
mod refusals;
mod sending;
mod silences;
mod watching;
mod working;

use std::sync::Arc;

use clap::Parser;
use model::{Clock, TestClock, Timestamp};

use crate::cli::{Cli, Command};

/// The time that canned answers are told from.
fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at(now()))
}

/// What `campanile …` prints, or its error.
async fn campanile(hub: &str, line: &[&str]) -> Result<String, String> {
    let words = ["campanile"].iter().chain(line).copied();
    let command = Cli::try_parse_from(words)
        .unwrap_or_else(|error| panic!("{error}"))
        .command;
    match command {
        Command::Alerts(mut args) => {
            hub.clone_into(&mut args.hub.hub);
            let clock: Arc<dyn Clock> = clock();
            let mut out = Vec::new();
            super::alerts(&args, "ann", &*clock, &mut out, std::future::pending())
                .await
                .map_err(|error| error.to_string())?;
            Ok(String::from_utf8(out).unwrap())
        }
        Command::Silences(mut args) => {
            hub.clone_into(&mut args.hub.hub);
            let mut out = Vec::new();
            super::silences(&args, "ann", &*clock(), &mut out)
                .await
                .map_err(|error| error.to_string())?;
            Ok(String::from_utf8(out).unwrap())
        }
        Command::Send(mut args) => {
            hub.clone_into(&mut args.hub);
            super::send(&args).await.map_err(|error| error.to_string())
        }
        other => panic!("{other:?} talks to no hub"),
    }
}

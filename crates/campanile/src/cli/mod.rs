//! The command line: what can be asked. What is done about it stands elsewhere.
//!
//! Every flag has an environment twin. Those that mean the same for several commands are `CAMPANILE_NAME`, the others
//! carry their command's name; a test holds this.

mod admin;
mod alerts;
mod attempts;
mod hub;
mod integrations;
mod run;
mod send;
mod silences;
mod weekly;

use clap::{Parser, Subcommand};

pub use admin::{AdminArgs, AdminCommand};
pub use alerts::{AlertsArgs, AlertsCommand, ListArgs, OneArgs, WatchArgs, Which};
pub use attempts::AttemptsArgs;
pub use hub::HubArgs;
pub use integrations::{IntegrationsArgs, IntegrationsCommand};
pub use run::{CheckArgs, DemoOptions, ImportArgs, SandboxArgs, ServeOptions, Stress};
pub use send::SendArgs;
pub use silences::{AddArgs, DraftArgs, SilenceListArgs, SilencesArgs, SilencesCommand};

/// Hears every alerting dialect, keeps each problem as one alert, and tells every service that should know.
#[derive(Debug, Parser)]
#[command(
    name = "campanile",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the hub.
    Serve(ServeOptions),
    /// Run a hub and simulated vendors, and watch alerts travel between them. Needs no accounts and no settings.
    Demo(DemoOptions),
    /// Run the simulated vendors alone.
    Sandbox(SandboxArgs),
    /// Send one signal to a hub by hand.
    Send(SendArgs),
    /// Look at a hub's alerts and work on them.
    Alerts(AlertsArgs),
    /// List what a hub tried to tell, and what services answered.
    Attempts(AttemptsArgs),
    /// Look at where a hub's alerts go, and try it out.
    Integrations(IntegrationsArgs),
    /// Look at a hub's silences, make and end them.
    Silences(SilencesArgs),
    /// Check a configuration file: every problem at once, or what would run.
    Check(CheckArgs),
    /// Make a configuration of an Alertmanager's, and say what is exact, near and missing.
    Import(ImportArgs),
    /// Copy, back up, restore or migrate a store.
    Admin(AdminArgs),
}

/// A word that clap shows and checks, for flags that take a time.
fn duration(text: &str) -> Result<model::DurationMs, model::ParseDurationError> {
    text.parse()
}

/// How a switch's environment twin is read: `1`, `true`, `yes` and the like switch it on; nothing, `0`, `false`, `no` do not.
fn switch() -> clap::builder::FalseyValueParser {
    clap::builder::FalseyValueParser::new()
}

#[cfg(test)]
mod tests;

//! `integrations`: where alerts go, and whether it works.

use clap::{Args, Subcommand};

use super::HubArgs;

/// What `integrations` is told.
#[derive(Clone, Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct IntegrationsArgs {
    /// Print JSON.
    #[arg(long, env = "CAMPANILE_JSON", global = true, value_parser = super::switch())]
    pub json: bool,
    #[command(flatten)]
    pub hub: HubArgs,
    /// Only this project's.
    #[arg(
        long = "project",
        env = "CAMPANILE_INTEGRATIONS_PROJECT",
        value_name = "NAME",
        global = true
    )]
    pub project: Option<String>,
    #[command(subcommand)]
    pub command: IntegrationsCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum IntegrationsCommand {
    /// List integrations: where each goes, and how well it is.
    List,
    /// Send a test alert to where an integration goes, now, close it again, and say what the service answered.
    Test {
        /// The integration's name or id.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

//! Which hub, and how we prove that we may.

use std::path::PathBuf;

use clap::Args;
use model::Secret;

/// Where the hub is, for commands that talk to one.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Hub")]
pub struct HubArgs {
    /// The hub's address.
    #[arg(
        long,
        env = "CAMPANILE_HUB",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        global = true
    )]
    pub hub: String,
    /// API token.
    #[arg(long, env = "CAMPANILE_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = secret, global = true)]
    pub token: Option<Secret>,
    /// File with the API token [default: `admin-token` in the data folder].
    #[arg(long, env = "CAMPANILE_TOKEN_FILE", value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// The hub's data folder, where its admin token is.
    #[arg(
        long,
        env = "CAMPANILE_DATA_DIR",
        value_name = "DIR",
        default_value = "./data",
        global = true
    )]
    pub data_dir: PathBuf,
}

/// A flag's value that must not be shown.
pub fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

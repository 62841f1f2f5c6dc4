//! `send`: one signal by hand.

use clap::{ArgGroup, Args};
use model::{Secret, Severity};

/// What `send` is told.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("to").required(true).multiple(true).args(["url", "key"])), after_help = "Example:
  campanile send --key $KEY --event disk_full --resource db-1 --severity critical --title 'Disk is 95 % full'
  campanile send --key $KEY --event disk_full --resource db-1 --resolve")]
pub struct SendArgs {
    /// The hub's address.
    #[arg(
        long,
        env = "CAMPANILE_HUB",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub hub: String,
    /// Key of the source to send to; its dialect is `generic`.
    #[arg(long, env = "CAMPANILE_KEY", value_name = "KEY", hide_env_values = true, value_parser = super::hub::secret)]
    pub key: Option<Secret>,
    /// The source's whole address, `http://…/s/KEY`, instead of --hub and --key; wins over them.
    #[arg(long, env = "CAMPANILE_SEND_URL", value_name = "URL", hide_env_values = true, value_parser = super::hub::secret)]
    pub url: Option<Secret>,
    /// Which problem: `disk_full`.
    #[arg(long, env = "CAMPANILE_SEND_EVENT", value_name = "NAME")]
    pub event: String,
    /// What has it: a host, a service.
    #[arg(
        long,
        env = "CAMPANILE_SEND_RESOURCE",
        value_name = "NAME",
        default_value = ""
    )]
    pub resource: String,
    /// critical, major, minor, warning or info.
    #[arg(long, env = "CAMPANILE_SEND_SEVERITY", value_name = "SEVERITY")]
    pub severity: Option<Severity>,
    /// One line for people [default: made from event and resource].
    #[arg(long, env = "CAMPANILE_SEND_TITLE", value_name = "TEXT")]
    pub title: Option<String>,
    /// The rest for people.
    #[arg(long, env = "CAMPANILE_SEND_TEXT", value_name = "TEXT")]
    pub text: Option<String>,
    /// The measured value.
    #[arg(
        long,
        env = "CAMPANILE_SEND_VALUE",
        value_name = "TEXT",
        allow_hyphen_values = true
    )]
    pub value: Option<String>,
    /// A label, as often as needed.
    #[arg(long = "label", env = "CAMPANILE_SEND_LABEL", value_name = "NAME=VALUE", value_delimiter = None, value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// What makes it the same alert as before [default: made from event and resource].
    #[arg(long, env = "CAMPANILE_SEND_ALERT_KEY", value_name = "KEY")]
    pub alert_key: Option<String>,
    /// The problem is over.
    #[arg(long, env = "CAMPANILE_SEND_RESOLVE", value_parser = super::switch())]
    pub resolve: bool,
    /// Print what was sent and the hub's answer as JSON.
    #[arg(long, env = "CAMPANILE_JSON", value_parser = super::switch())]
    pub json: bool,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("a label is written NAME=VALUE".to_owned()),
    }
}

//! `alerts`: looking at alerts and working on them.

use clap::{ArgGroup, Args, Subcommand};
use model::{DurationMs, Severity, Status};

use super::HubArgs;

/// What `alerts` is told.
#[derive(Clone, Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct AlertsArgs {
    /// Print JSON.
    #[arg(long, env = "CAMPANILE_JSON", global = true, value_parser = super::switch())]
    pub json: bool,
    #[command(flatten)]
    pub hub: HubArgs,
    #[command(subcommand)]
    pub command: AlertsCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum AlertsCommand {
    /// List alerts, those that are not closed unless told otherwise.
    List(ListArgs),
    /// Show one alert with its log and whom it was told to.
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Say that somebody looks after it.
    Ack {
        #[command(flatten)]
        one: OneArgs,
        /// Until then; after it the alert is open again, unless it closed [default: for good].
        #[arg(long = "for", env = "CAMPANILE_ALERTS_FOR", value_name = "DURATION", value_parser = super::duration)]
        lasting: Option<DurationMs>,
    },
    /// Take an acknowledgement back.
    Unack {
        #[command(flatten)]
        one: OneArgs,
    },
    /// Close it by hand.
    Close {
        #[command(flatten)]
        one: OneArgs,
    },
    /// Open it again.
    Reopen {
        #[command(flatten)]
        one: OneArgs,
    },
    /// Put it aside for a while.
    Shelve {
        #[command(flatten)]
        one: OneArgs,
        /// How long, such as 2h.
        #[arg(long = "for", env = "CAMPANILE_ALERTS_FOR", value_name = "DURATION", value_parser = super::duration)]
        lasting: DurationMs,
    },
    /// Take it from the shelf before its time.
    Unshelve {
        #[command(flatten)]
        one: OneArgs,
    },
    /// Write a remark into its log.
    Note {
        #[command(flatten)]
        one: OneArgs,
        /// The remark.
        #[arg(long, env = "CAMPANILE_ALERTS_TEXT", value_name = "TEXT")]
        text: String,
    },
    /// Say whose it is.
    Assign {
        #[command(flatten)]
        one: OneArgs,
        /// To whom; empty takes the assignment away.
        #[arg(long, env = "CAMPANILE_ALERTS_TO", value_name = "NAME")]
        to: String,
    },
    /// Print events as they happen, until Ctrl-C.
    Watch(WatchArgs),
    /// Say who was told about an alert, who was not, and why.
    Explain {
        #[command(flatten)]
        which: Which,
    },
}

/// Which alert.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["id", "alert_key"])))]
pub struct Which {
    /// The alert's id; its beginning or its end is enough if no other has it.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// The alert's key instead of its id; of several episodes the newest.
    #[arg(
        long = "key",
        id = "alert_key",
        env = "CAMPANILE_ALERTS_KEY",
        value_name = "KEY"
    )]
    pub key: Option<String>,
}

/// Which alert, who does it, and why.
#[derive(Clone, Debug, Args)]
pub struct OneArgs {
    #[command(flatten)]
    pub which: Which,
    /// Who does it.
    #[arg(long, env = "CAMPANILE_BY", value_name = "NAME")]
    pub by: Option<String>,
    /// A remark for its log.
    #[arg(long, env = "CAMPANILE_ALERTS_NOTE", value_name = "TEXT")]
    pub note: Option<String>,
}

/// What `alerts list` is told.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Statuses, separated by commas: tracking, open, acknowledged, shelved, closed [default: all but closed].
    #[arg(long, env = "CAMPANILE_ALERTS_STATUS", value_name = "STATUS,…", value_delimiter = ',', value_parser = status)]
    pub status: Vec<Status>,
    /// Closed ones too.
    #[arg(long, env = "CAMPANILE_ALERTS_ALL", conflicts_with = "status", value_parser = super::switch())]
    pub all: bool,
    /// Severities, separated by commas: critical, major, minor, warning, info.
    #[arg(
        long,
        env = "CAMPANILE_ALERTS_SEVERITY",
        value_name = "SEVERITY,…",
        value_delimiter = ','
    )]
    pub severity: Vec<Severity>,
    /// A word in title, text, event or resource.
    #[arg(long, env = "CAMPANILE_ALERTS_SEARCH", value_name = "WORD")]
    pub text: Option<String>,
    /// Only this project's.
    #[arg(long, env = "CAMPANILE_ALERTS_PROJECT", value_name = "NAME")]
    pub project: Option<String>,
    /// Only this source's.
    #[arg(long, env = "CAMPANILE_ALERTS_SOURCE", value_name = "NAME")]
    pub source: Option<String>,
    /// Only those with this key.
    #[arg(
        long = "key",
        id = "alert_key",
        env = "CAMPANILE_ALERTS_KEY",
        value_name = "KEY"
    )]
    pub key: Option<String>,
    /// At most so many.
    #[arg(long, env = "CAMPANILE_ALERTS_LIMIT", value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// What `alerts watch` is told.
#[derive(Clone, Debug, Args)]
pub struct WatchArgs {
    /// Only this project's.
    #[arg(long, env = "CAMPANILE_ALERTS_PROJECT", value_name = "NAME")]
    pub project: Option<String>,
    /// Only these severities, separated by commas.
    #[arg(
        long,
        env = "CAMPANILE_ALERTS_SEVERITY",
        value_name = "SEVERITY,…",
        value_delimiter = ','
    )]
    pub severity: Vec<Severity>,
}

fn status(text: &str) -> Result<Status, String> {
    Status::ALL
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| "a status is tracking, open, acknowledged, shelved or closed".to_owned())
}

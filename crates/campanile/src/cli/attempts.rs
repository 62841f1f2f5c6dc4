//! `attempts`: what was tried, and what services answered.

use clap::Args;
use model::Timestamp;

use super::HubArgs;

/// What `attempts` is told.
#[derive(Clone, Debug, Args)]
pub struct AttemptsArgs {
    /// Print JSON.
    #[arg(long, env = "CAMPANILE_JSON", value_parser = super::switch())]
    pub json: bool,
    #[command(flatten)]
    pub hub: HubArgs,
    /// Only those about this alert (its id).
    #[arg(long, env = "CAMPANILE_ATTEMPTS_ALERT", value_name = "ID")]
    pub alert: Option<String>,
    /// Only those of this integration (its name or id).
    #[arg(long, env = "CAMPANILE_ATTEMPTS_INTEGRATION", value_name = "NAME")]
    pub integration: Option<String>,
    /// Tells integrations of the same name apart.
    #[arg(
        long,
        env = "CAMPANILE_ATTEMPTS_PROJECT",
        value_name = "NAME",
        requires = "integration"
    )]
    pub project: Option<String>,
    /// Only those that ended so: `delivered`, `retry`, `credential_bad`, `skipped` …
    #[arg(long, env = "CAMPANILE_ATTEMPTS_OUTCOME", value_name = "WORD")]
    pub outcome: Option<String>,
    /// Only those at this time or later, such as 2026-11-20T10:00:00Z.
    #[arg(long, env = "CAMPANILE_ATTEMPTS_SINCE", value_name = "TIME")]
    pub since: Option<Timestamp>,
    /// How many at most, the newest.
    #[arg(
        long,
        env = "CAMPANILE_ATTEMPTS_LIMIT",
        value_name = "N",
        default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub limit: u32,
}

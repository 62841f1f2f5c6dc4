//! `silences`: what is not to be told for a while.

use clap::{Args, Subcommand};
use model::{DurationMs, Timestamp};

use super::HubArgs;
use super::weekly::{Weekly, weekly};

/// What `silences` is told.
#[derive(Clone, Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct SilencesArgs {
    /// Print JSON.
    #[arg(long, env = "CAMPANILE_JSON", global = true, value_parser = super::switch())]
    pub json: bool,
    #[command(flatten)]
    pub hub: HubArgs,
    #[command(subcommand)]
    pub command: SilencesCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum SilencesCommand {
    /// List silences, those that have not ended unless told otherwise.
    List(SilenceListArgs),
    /// Make a silence: what it matches is not opened, updated or reminded of; what was told is still closed.
    Add(AddArgs),
    /// End silences now; what they held is told, if it is still so.
    Expire(ExpireArgs),
    /// Say what a silence would hold, and make none.
    Preview(PreviewArgs),
}

/// What `silences list` is told.
#[derive(Clone, Debug, Args)]
pub struct SilenceListArgs {
    /// Ended ones too.
    #[arg(long, env = "CAMPANILE_SILENCES_ALL", value_parser = super::switch())]
    pub all: bool,
    /// Only those with this text in a matcher.
    #[arg(
        long = "matcher",
        env = "CAMPANILE_SILENCES_MATCHER",
        value_name = "TEXT"
    )]
    pub matcher: Option<String>,
    /// Only this project's.
    #[arg(long, env = "CAMPANILE_SILENCES_PROJECT", value_name = "NAME")]
    pub project: Option<String>,
}

/// What `silences expire` is told.
#[derive(Clone, Debug, Args)]
pub struct ExpireArgs {
    /// The silences' ids; of each its beginning or its end is enough if no other has it.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

/// A silence that is wanted.
#[derive(Clone, Debug, Args)]
pub struct DraftArgs {
    /// What it holds, such as 'env="prod"'; several must all match.
    #[arg(
        short = 'm',
        long = "match",
        env = "CAMPANILE_SILENCES_MATCH",
        value_name = "MATCHER",
        required = true
    )]
    pub matchers: Vec<String>,
    /// How long, such as 2h.
    #[arg(
        long = "for",
        id = "for",
        env = "CAMPANILE_SILENCES_FOR",
        value_name = "DURATION",
        value_parser = super::duration,
        conflicts_with = "until",
        required_unless_present_any = ["until", "weekly"]
    )]
    pub lasting: Option<DurationMs>,
    /// Until when, such as 2026-01-31T12:00:00Z.
    #[arg(long, env = "CAMPANILE_SILENCES_UNTIL", value_name = "TIME")]
    pub until: Option<Timestamp>,
    /// From when on [default: now].
    #[arg(long, env = "CAMPANILE_SILENCES_FROM", value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// Only at these times of the week, such as 'mon-fri 22:00-06:00 Europe/Berlin' (UTC if no zone is named); may be given
    /// several times. Without --for and --until it recurs until it is ended.
    #[arg(
        long,
        env = "CAMPANILE_SILENCES_WEEKLY",
        value_name = "DAYS TIMES [ZONE]",
        value_delimiter = ';',
        value_parser = weekly
    )]
    pub weekly: Vec<Weekly>,
    /// In this project; needed if there are several.
    #[arg(long, env = "CAMPANILE_SILENCES_PROJECT", value_name = "NAME")]
    pub project: Option<String>,
}

/// What `silences add` is told.
#[derive(Clone, Debug, Args)]
pub struct AddArgs {
    #[command(flatten)]
    pub draft: DraftArgs,
    /// Why.
    #[arg(long, env = "CAMPANILE_SILENCES_COMMENT", value_name = "TEXT")]
    pub comment: String,
    /// Who wants it.
    #[arg(long, env = "CAMPANILE_BY", value_name = "NAME")]
    pub by: Option<String>,
}

/// What `silences preview` is told: as `add`, so that one word of a command changes it into the other.
#[derive(Clone, Debug, Args)]
pub struct PreviewArgs {
    #[command(flatten)]
    pub draft: DraftArgs,
    /// As for `add`; only checked here.
    #[arg(long, env = "CAMPANILE_SILENCES_COMMENT", value_name = "TEXT")]
    pub comment: Option<String>,
    /// As for `add`; only checked here.
    #[arg(long, env = "CAMPANILE_BY", value_name = "NAME")]
    pub by: Option<String>,
}

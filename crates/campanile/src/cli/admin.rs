//! `admin`: work on a store, beside the hub.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::admin::StoreAddress;

/// What `admin` is told.
#[derive(Clone, Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct AdminArgs {
    /// Print JSON.
    #[arg(long, env = "CAMPANILE_JSON", global = true, value_parser = super::switch())]
    pub json: bool,
    #[command(subcommand)]
    pub command: AdminCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum AdminCommand {
    /// Carry a whole hub from SQLite to PostgreSQL. Stop the hub first; if it is cut short, the same command goes on.
    Copy {
        /// The store to copy, which stays as it is: sqlite:PATH.
        #[arg(long, env = "CAMPANILE_COPY_FROM", value_name = "URL", hide_env_values = true, value_parser = StoreAddress::read)]
        from: StoreAddress,
        /// An empty database: postgres://USER:PASSWORD@HOST/DATABASE.
        #[arg(long, env = "CAMPANILE_COPY_TO", value_name = "URL", hide_env_values = true, value_parser = StoreAddress::read)]
        to: StoreAddress,
    },
    /// Write a SQLite store, with or without a hub at work on it, to a new file, and check it.
    Backup {
        #[command(flatten)]
        store: StoreArg,
        /// The file to write; nothing is overwritten.
        #[arg(long, env = "CAMPANILE_BACKUP_TO", value_name = "FILE")]
        to: PathBuf,
    },
    /// Make a SQLite store from a backup, after checking it.
    Restore {
        /// The backup.
        #[arg(long, env = "CAMPANILE_RESTORE_FROM", value_name = "FILE")]
        from: PathBuf,
        #[command(flatten)]
        store: StoreArg,
    },
    /// Bring a store's schema up to this version, as far as older nodes can live with it.
    Migrate {
        #[command(flatten)]
        store: StoreArg,
        /// Also take the steps that older nodes cannot live with: they are told to stand aside first.
        #[arg(long, env = "CAMPANILE_MIGRATE_CONTRACT", value_parser = super::switch())]
        contract: bool,
    },
}

/// Which store.
#[derive(Clone, Debug, Args)]
pub struct StoreArg {
    /// The store: sqlite:PATH (in the data folder it is `campanile.sqlite`), or postgres://… where PostgreSQL is taken.
    #[arg(long, env = "CAMPANILE_STORE", value_name = "URL", hide_env_values = true, value_parser = StoreAddress::read)]
    pub store: StoreAddress,
}

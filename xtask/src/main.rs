//! The project's chores: `cargo xtask test` runs every check; CI runs the same.

mod bench;
mod machine;
mod steps;
mod supply;
mod tests;
mod wire;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", about = "Chores of the project")]
struct Options {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Formatting, lints, all tests, supply chain. Installs what the machine lacks, or says exactly what.
    Test {
        /// Only formatting, lints and supply chain.
        #[arg(long)]
        lints: bool,
    },
    /// Installs what tests and demo need on a Debian machine, or says exactly what is missing.
    Setup,
    /// What the tests' sandbox recorded, against the vendors' published specs.
    Wire,
    /// Licences and forbidden crates, from the lock file.
    Supply,
    /// Figures beside Debian's Alertmanager (docs/performance.md); `bench --help` says with what.
    #[command(disable_help_flag = true)]
    Bench {
        /// Passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
}

fn main() -> anyhow::Result<()> {
    match Options::parse().chore {
        Chore::Test { lints } => steps::test(lints),
        Chore::Setup => machine::set_up(),
        Chore::Wire => wire::check(),
        Chore::Supply => supply::check(),
        Chore::Bench { options } => bench::run_bench(&options),
    }
}

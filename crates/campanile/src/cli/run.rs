//! Commands that run something here: `serve`, `demo`, `sandbox`, `check`, `import`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use model::DurationMs;

/// What `serve` is told. A flag wins over its environment twin, that over the configuration file.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    /// Configuration file (YAML). Without one the hub runs, but hears nobody.
    #[arg(long, env = "CAMPANILE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for the database, the admin token and the sealing key [default: ./data].
    #[arg(long, env = "CAMPANILE_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(long, env = "CAMPANILE_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where alerts are kept [default: SQLite in the data folder].
    #[arg(
        long,
        env = "CAMPANILE_STORE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub store: Option<String>,
}

/// What `demo` is told.
#[derive(Clone, Debug, Args)]
pub struct DemoOptions {
    /// Put real load on this machine, within bounds, so that its own monitor raises the alert.
    #[arg(long, env = "CAMPANILE_DEMO_STRESS", value_enum)]
    pub stress: Option<Stress>,
    /// Only say what would be done.
    #[arg(long, env = "CAMPANILE_DEMO_PLAN", value_parser = super::switch())]
    pub plan: bool,
    /// Address and port of the hub.
    #[arg(
        long,
        env = "CAMPANILE_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: SocketAddr,
    /// Address and port of the simulated vendors.
    #[arg(
        long,
        env = "CAMPANILE_SANDBOX_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8090"
    )]
    pub sandbox_listen: SocketAddr,
    /// Folder for the demo's data [default: a temporary one].
    #[arg(long, env = "CAMPANILE_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How long to run, such as 10m [default: until Ctrl-C].
    #[arg(long = "for", env = "CAMPANILE_DEMO_FOR", value_name = "DURATION", value_parser = super::duration)]
    pub lasting: Option<DurationMs>,
}

/// What `demo --stress` loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stress {
    Cpu,
    Memory,
    Disk,
}

/// What `sandbox` is told.
#[derive(Clone, Debug, Args)]
pub struct SandboxArgs {
    /// Address and port to listen on. It trusts whoever reaches it: keep it on loopback.
    #[arg(
        long,
        env = "CAMPANILE_SANDBOX_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8090"
    )]
    pub listen: SocketAddr,
    /// Append every request as a JSON line to this file, secrets as received.
    #[arg(long, env = "CAMPANILE_SANDBOX_RECORD", value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Do not apply the vendors' rate limits.
    #[arg(long, env = "CAMPANILE_SANDBOX_NO_LIMITS", value_parser = super::switch())]
    pub no_limits: bool,
}

/// What `check` is told.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Configuration file (YAML).
    #[arg(long, env = "CAMPANILE_CONFIG", value_name = "FILE")]
    pub config: PathBuf,
    /// Print JSON.
    #[arg(long, env = "CAMPANILE_JSON", value_parser = super::switch())]
    pub json: bool,
    /// Say whom this alert would be told, and why the others not. As it is posted: `{"labels": {…}, "annotations": {…}}`. May be repeated.
    #[arg(long, env = "CAMPANILE_CHECK_ALERT", value_name = "JSON")]
    pub alert: Vec<String>,
    /// The source that the alerts come through: NAME or PROJECT/NAME [default: the only one that speaks `alertmanager`].
    #[arg(
        long,
        env = "CAMPANILE_CHECK_SOURCE",
        value_name = "NAME",
        requires = "alert"
    )]
    pub source: Option<String>,
    /// When the alerts come, such as 2026-01-31T12:00:00Z: times of the week depend on it [default: now].
    #[arg(
        long,
        env = "CAMPANILE_CHECK_AT",
        value_name = "TIME",
        requires = "alert"
    )]
    pub at: Option<model::Timestamp>,
}

/// What `import` is told.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// An Alertmanager's configuration file.
    #[arg(value_name = "ALERTMANAGER.YML")]
    pub file: PathBuf,
    /// Write the configuration to this file, which must not exist [default: standard output].
    #[arg(long, env = "CAMPANILE_IMPORT_OUT", value_name = "FILE")]
    pub out: Option<PathBuf>,
}

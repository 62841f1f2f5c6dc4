//! Where log lines go.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Logs go to standard error, by `CAMPANILE_LOG` (as `RUST_LOG` is written; `info` without it), as JSON lines when
/// `CAMPANILE_LOG_FORMAT=json`.
pub fn init_logs(default: &str) {
    let filter =
        EnvFilter::try_from_env("CAMPANILE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second initialisation (tests) changes nothing.
    let _already = if std::env::var("CAMPANILE_LOG_FORMAT").is_ok_and(|f| f == "json") {
        builder.json().try_init()
    } else {
        builder
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .try_init()
    };
}

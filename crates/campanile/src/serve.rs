//! `serve`: the hub itself.

use crate::cli::ServeOptions;
use crate::config;

/// Runs the hub until it is told to stop.
// LEAD: fill in. Flags win over the file: `options.listen.or(config.server.listen)` and so on.
pub async fn run(options: ServeOptions) -> anyhow::Result<()> {
    if let Some(path) = &options.config {
        config::load_file(path)?;
    }
    anyhow::bail!("`serve` is not built into this binary yet")
}

//! `demo`: a hub and simulated vendors together.

use crate::cli::DemoOptions;

/// Runs the demo.
// LEAD: fill in.
pub async fn run(_options: DemoOptions) -> anyhow::Result<()> {
    anyhow::bail!("`demo` is not built into this binary yet")
}

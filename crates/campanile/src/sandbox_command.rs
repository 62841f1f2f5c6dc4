//! `sandbox`: the simulated vendors alone.

use crate::cli::SandboxArgs;

/// Serves the sandbox until Ctrl-C.
// LEAD: fill in.
pub async fn run(_args: SandboxArgs) -> anyhow::Result<()> {
    anyhow::bail!("`sandbox` is not built into this binary yet")
}

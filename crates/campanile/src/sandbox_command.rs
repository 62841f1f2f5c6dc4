//! `sandbox`: the simulated vendors alone.

use std::sync::Arc;

use anyhow::Context;
use model::{Clock, SystemClock};
use sandbox::{Sandbox, SandboxOptions};

use crate::cli::SandboxArgs;

/// Serves the sandbox until Ctrl-C or SIGTERM; then the record file is complete.
pub async fn run(args: SandboxArgs) -> anyhow::Result<()> {
    let mut options = SandboxOptions::new(Arc::new(|| SystemClock.now().0));
    options.record = args.record.clone();
    options.limits = !args.no_limits;
    let sandbox = Sandbox::new(options)
        .context("the record file cannot be opened; name another one with --record")?;
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .with_context(|| {
            format!(
                "nothing can listen on {}; choose another address with --listen",
                args.listen
            )
        })?;
    let address = listener.local_addr()?;
    println!(
        "Simulated vendors at http://{address}: open it in a browser to see what people would see."
    );
    println!(
        "Point an integration at one: settings: {{ base_url: \"http://{address}/slack\", … }}"
    );
    println!("(and let the hub reach it: egress: {{ allow: [\"127.0.0.0/8\"] }}). Ctrl-C ends it.");
    if let Some(record) = &args.record {
        println!(
            "Every request goes to {}, secrets included.",
            record.display()
        );
    }
    sandbox.serve(listener, crate::until_told()).await;
    Ok(())
}

//! `campanile serve`: the hub as a service.

mod files;
mod logs;
pub mod running;

use std::sync::Arc;

use anyhow::Context;
use model::{BoxFuture, OsEntropy, SystemClock};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServeOptions;
use crate::config::{self, LoadError};
pub use files::{DataDir, admin_token};
pub use logs::init_logs;
pub use running::{Recipe, Running};

const LISTEN: &str = "127.0.0.1:8080";

/// Runs until it is asked to stop.
pub async fn run(options: ServeOptions) -> anyhow::Result<()> {
    init_logs("info");
    let config = match &options.config {
        Some(path) => config::load_file(path)?,
        None => config::defaults(),
    };
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let listen = match (options.listen, config.server.listen) {
        (Some(listen), _) | (None, Some(listen)) => listen,
        (None, None) => LISTEN.parse()?,
    };
    let dir = options
        .data_dir
        .clone()
        .or(config.server.data_dir.clone())
        .unwrap_or_else(|| "data".into());
    let dir = DataDir::open(&dir)?;
    let token = admin_token(&dir, config.server.admin_token.clone(), &OsEntropy)?;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| {
            format!(
                "cannot listen on {listen}; is another hub running there? `--listen` takes another"
            )
        })?;
    let listen = listener.local_addr()?;
    let recipe = Recipe {
        store: options.store.clone(),
        external_url: config.server.external_url.clone(),
        egress: config.egress.allow.clone(),
        retention: config.server.retention,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        crash_at: std::env::var("CAMPANILE_CRASH_AT").ok(),
        reload: reloader(&options),
    };
    let running = Running::start(recipe, &config.desired, &dir, token, listener).await?;
    println!(
        "campanile {} listens on http://{listen}",
        env!("CARGO_PKG_VERSION")
    );
    let catalog = running.hub.catalog();
    println!(
        "{} projects, {} sources, {} integrations; data in {}",
        catalog.projects.len(),
        catalog.sources.len(),
        catalog
            .projects
            .iter()
            .map(|p| catalog
                .integrations_of(p.id)
                .iter()
                .filter(|i| !i.deleted)
                .count())
            .sum::<usize>(),
        dir.path().display(),
    );
    if options.config.is_none() {
        println!(
            "it has no configuration yet: `campanile serve --config FILE`; README shows one to begin with"
        );
    }
    until_stopped(&running, &options).await?;
    println!("stopping: sends on their way are waited for");
    running.stop().await;
    println!("stopped");
    Ok(())
}

/// SIGHUP reloads, SIGINT and SIGTERM stop.
async fn until_stopped(running: &Running, options: &ServeOptions) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => match reload(&running.hub, options).await {
                Ok(changes) => tracing::info!(changes = ?changes, "configuration reloaded"),
                Err(problems) => for problem in problems {
                    tracing::warn!(problem, "configuration not reloaded; the running one stays");
                },
            },
        }
    }
}

fn reloader(options: &ServeOptions) -> running::Reload {
    let options = options.clone();
    Arc::new(
        move |hub: engine::Hub| -> BoxFuture<'static, Result<Vec<String>, Vec<String>>> {
            let options = options.clone();
            Box::pin(async move { reload(&hub, &options).await })
        },
    )
}

/// Reads the file again and applies it; a bad file changes nothing.
async fn reload(hub: &engine::Hub, options: &ServeOptions) -> Result<Vec<String>, Vec<String>> {
    let Some(path) = &options.config else {
        return Err(vec![
            "the hub was started without a configuration file".to_owned(),
        ]);
    };
    let config = config::load_file(path).map_err(|error| match error {
        LoadError::Problems { path, problems } => problems
            .iter()
            .map(|p| format!("{}:{p}", path.display()))
            .collect(),
        LoadError::Unreadable { .. } => vec![format!("{error}: {}", cause(&error))],
    })?;
    hub.apply(&config.desired)
        .await
        .map_err(|e| vec![e.to_string()])
}

fn cause(error: &dyn std::error::Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

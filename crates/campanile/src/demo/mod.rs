//! `campanile demo`: a hub, the simulated vendors and this machine's real values, in one process.
//!
//! Everything is real but the vendors: the monitor measures this machine, the hub is the one that `serve` runs, its
//! messages go over HTTP to the sandbox. With `--stress` real load is made until a rule opens, then taken away.

mod configuration;
mod folder;
mod story;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use model::{Clock, DurationMs, OsEntropy, Secret, SystemClock, Timestamp};
use monitors::host::{HostSampler, HostSettings};
use monitors::stress::{self, StressKind, Surroundings};
use sandbox::{Sandbox, SandboxOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::{DemoOptions, Stress};
use crate::serve::{DataDir, Recipe, Running, admin_token, init_logs};
use configuration::{CHANNEL, KEY_OF_TOOLS, desired};
use folder::DemoFolder;
use story::Story;

/// Runs until Ctrl-C, or for `--for`.
pub async fn run(options: DemoOptions) -> anyhow::Result<()> {
    init_logs("warn");
    let folder = DemoFolder::open(options.data_dir.clone())?;
    let plan = match options.stress {
        Some(kind) => Some(plan(kind, &folder)?),
        None => None,
    };
    println!("The demo");
    for sentence in sentences(&options, &folder, plan.as_ref()) {
        println!("  - {sentence}");
    }
    if options.plan {
        folder.remove();
        return Ok(());
    }
    let result = run_in(&options, &folder, plan).await;
    folder.remove();
    result
}

fn plan(kind: Stress, folder: &DemoFolder) -> anyhow::Result<stress::Plan> {
    let kind = match kind {
        Stress::Cpu => StressKind::Cpu,
        Stress::Memory => StressKind::Memory,
        Stress::Disk => StressKind::Disk,
    };
    stress::remove_leftovers(folder.path())?;
    let mut sampler = HostSampler::new().context("this machine cannot be measured")?;
    let around = Surroundings::look(&mut sampler, folder.path())?;
    Ok(stress::plan(kind, &around, &HostSettings::default())?)
}

fn sentences(
    options: &DemoOptions,
    folder: &DemoFolder,
    plan: Option<&stress::Plan>,
) -> Vec<String> {
    let mut all = vec![
        format!("runs a hub on http://{} and simulated vendors on http://{}, both on this machine only", options.listen, options.sandbox_listen),
        format!("keeps its data in {} and removes it at the end", folder.path().display()),
        "measures this machine every 15 seconds: load per core (above 2.0), disks (above 80 %), memory (above 90 %)".to_owned(),
        format!("tells the simulated Slack channel {CHANNEL}, and edits its message at most every 15 seconds (in earnest: five minutes)"),
    ];
    all.extend(plan.into_iter().flat_map(|p| p.sentences.iter().cloned()));
    all.push("Ctrl-C ends it and leaves nothing behind".to_owned());
    all
}

async fn run_in(
    options: &DemoOptions,
    folder: &DemoFolder,
    plan: Option<stress::Plan>,
) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stop = CancellationToken::new();
    let vendors = listen(options.sandbox_listen).await?;
    let vendors_url = format!("http://{}", vendors.local_addr()?);
    let sandbox = Sandbox::new(SandboxOptions::new(Arc::new(|| SystemClock.now().0)))?;
    let vendors_task = tokio::spawn({
        let (sandbox, stop) = (sandbox.clone(), stop.clone());
        async move {
            sandbox
                .serve(vendors, async move { stop.cancelled().await })
                .await
        }
    });

    let dir = DataDir::open(folder.path())?;
    let token = admin_token(&dir, None, &OsEntropy)?;
    let listener = listen(options.listen).await?;
    let settings = plan
        .as_ref()
        .map_or_else(HostSettings::default, |p| p.settings.clone());
    let desired = desired(&settings, &vendors_url)?;
    let recipe = Recipe {
        store: None,
        external_url: None,
        egress: vec!["127.0.0.0/8".parse()?, "::1/128".parse()?],
        retention: engine::Retention::default(),
        clock: clock.clone(),
        entropy: Arc::new(OsEntropy),
        crash_at: None,
        reload: Arc::new(|_| {
            Box::pin(async { Err(vec!["the demo has no configuration file".to_owned()]) })
        }),
    };
    let running = Running::start(recipe, &desired, &dir, token, listener).await?;
    where_to_look(&running.url, &vendors_url, &dir);

    let story = Story::new(running.hub.clone(), sandbox, clock.clone());
    let ended = tokio::select! {
        ended = tell(story, plan, clock.clone()) => ended,
        () = lasting(options.lasting, &*clock) => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
        () = terminated() => Ok(()),
    };
    println!("ending the demo");
    running.stop().await;
    stop.cancel();
    // The sandbox ends with its listener.
    let _ended = vendors_task.await;
    ended
}

/// Tells the story; after it, goes on until it is ended from outside.
async fn tell(
    mut story: Story,
    plan: Option<stress::Plan>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let Some(plan) = plan else {
        return story.watch().await;
    };
    let name = plan.kind.as_str();
    println!(
        "\nMaking real {name} load until the rule opens. This may take some minutes: the rule looks at averages."
    );
    let (starting, at) = (plan, clock.clone());
    let load = tokio::task::spawn_blocking(move || starting.start(at)).await??;
    story.until_opened(&load).await?;
    println!("\nThe problem is open. Taking the {name} load away, until the rule closes.");
    drop(load);
    story.until_closed().await?;
    println!(
        "\nThat was the whole story. The hub runs on: look around, or send something of your own. Ctrl-C ends it."
    );
    story.watch().await
}

fn where_to_look(hub: &str, vendors: &str, dir: &DataDir) {
    println!("\nLook here");
    println!(
        "  the Slack channel     {vendors}/slack/channels/{}",
        CHANNEL.trim_start_matches('#')
    );
    println!("  all that vendors got  {vendors}/");
    println!(
        "  the alerts            campanile alerts list --hub {hub} --token-file {}",
        dir.token_file().display()
    );
    println!(
        "  send one yourself     campanile send --hub {hub} --key {KEY_OF_TOOLS} --event DiskFull --severity critical --title 'Disk full on db-1'"
    );
    println!("  point a Prometheus    {hub}/s/{KEY_OF_TOOLS}-prometheus   (as an Alertmanager)");
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let free = TcpListener::bind(SocketAddr::new(address.ip(), 0)).await?;
            println!(
                "{address} is taken by another program; using {} instead",
                free.local_addr()?
            );
            Ok(free)
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

async fn lasting(length: Option<DurationMs>, clock: &dyn Clock) {
    match length {
        Some(length) => clock.sleep(length).await,
        None => clock.sleep_until(Timestamp::NEVER).await,
    }
}

async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        // Without this signal, Ctrl-C still ends the demo.
        Err(_) => std::future::pending().await,
    }
}

/// The demo's own secret texts, no secrets at all.
fn text(secret: &str) -> Secret {
    Secret::new(secret)
}

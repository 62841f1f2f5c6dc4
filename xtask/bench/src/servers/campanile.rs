//! The hub: `campanile serve` on SQLite in a fresh folder, which syncs each commit to the disk, as always.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::list::{Listed, Numbers};
use super::{Telling, metric, page};
use crate::alerts::team;
use crate::clock::pause;

pub const PATH: &str = "/s/bench-source-key-0000000000000001/api/v2/alerts";
const KEY: &str = "bench-source-key-0000000000000001";
const TOKEN: &str = "bench-admin-token-00000000000001";
/// The most that the API gives at once.
const PAGE: usize = 1000;
/// Repeats are written within a second (I1).
const FLUSH_MS: u64 = 2000;
/// Figures are counted every ten seconds.
const COUNTED_WITHIN_SECONDS: u64 = 15;

pub fn command(
    binaries: &Path,
    folder: &Path,
    address: SocketAddr,
    telling: Telling,
) -> anyhow::Result<Command> {
    let file = folder.join("campanile.yaml");
    std::fs::write(&file, configuration(telling))?;
    let mut command = Command::new(binaries.join("campanile"));
    command
        .args(["serve", "--listen", &address.to_string()])
        .arg("--config")
        .arg(&file)
        .arg("--data-dir")
        .arg(folder.join("data"));
    for (name, _) in std::env::vars_os() {
        // Somebody's own hub is set up that way; the measured one must not be.
        if name.to_string_lossy().starts_with("CAMPANILE_") {
            command.env_remove(name);
        }
    }
    Ok(command)
}

fn configuration(telling: Telling) -> String {
    let mut text = format!(
        "server: {{ admin_token: \"{TOKEN}\" }}\negress: {{ allow: [\"127.0.0.0/8\"] }}\nprojects:\n  - name: bench\n    \
         sources:\n      - {{ name: prometheus, dialect: alertmanager, key: \"{KEY}\" }}\n    integrations:\n"
    );
    let mut hook = |name: &str, matching: &str, to: SocketAddr| {
        let _infallible = writeln!(
            text,
            "      - {{ name: {name}, sink: webhook, {matching}settings: {{ url: \"http://{to}/\" }} }}"
        );
    };
    match telling {
        Telling::Nobody => return text.replace("    integrations:\n", ""),
        Telling::Each(to) => hook("hook", "", to),
        Telling::Teams(to, count) => {
            for name in (0..count).map(team) {
                hook(&name, &format!("match: ['team=\"{name}\"'], "), to);
            }
        }
    }
    text
}

#[derive(Deserialize)]
struct Page {
    alerts: Vec<Listed>,
    next_cursor: Option<String>,
}

/// Looks at every open alert that the API lists.
async fn each(
    address: SocketAddr,
    mut look: impl FnMut(&Listed) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/alerts?status=open&limit={PAGE}{cursor}");
        let page: Page = serde_json::from_slice(&page(address, &path, Some(TOKEN)).await?)?;
        page.alerts.iter().try_for_each(&mut look)?;
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(()),
        }
    }
}

pub async fn holds(address: SocketAddr, count: usize) -> anyhow::Result<()> {
    let mut numbers = Numbers::new(count);
    each(address, |alert| numbers.add(alert)).await?;
    numbers.check()
}

pub async fn counts(address: SocketAddr, count: usize) -> anyhow::Result<()> {
    let mut found = None;
    for _ in 0..COUNTED_WITHIN_SECONDS {
        found = metric(address, "campanile_alerts{status=\"open\"}").await?;
        if found == Some(count as f64) {
            return Ok(());
        }
        pause(1000).await;
    }
    bail!("Campanile counts {found:?} alerts of {count}")
}

pub async fn repeated(
    address: SocketAddr,
    count: usize,
    passes: usize,
    ends_at: jiff::Timestamp,
) -> anyhow::Result<()> {
    pause(FLUSH_MS).await;
    let (mut numbers, mut repeats) = (Numbers::new(count), 0);
    each(address, |alert| {
        repeats += alert.repeat_count.unwrap_or(0);
        numbers.add(alert)
    })
    .await?;
    numbers.check()?;
    if repeats != (count * passes) as u64 {
        bail!("Campanile counts {repeats} repeats of {}", count * passes);
    }
    // The list in Alertmanager's dialect is cut short where it is long; the API of our own does not tell ends.
    let listed = page(address, PATH, None).await?;
    let listed: Vec<Listed> = serde_json::from_slice(&listed).context("the dialect's list")?;
    if listed.is_empty() || listed.iter().any(|alert| alert.ends_at != Some(ends_at)) {
        bail!("Campanile did not take an alert's new end");
    }
    Ok(())
}

//! Debian's Alertmanager, alone (no cluster), as far as possible with its defaults.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::list::{Listed, Numbers};
use super::{Telling, metric, page};
use crate::alerts::team;

pub const PATH: &str = "/api/v2/alerts";
const PROGRAM: &str = "prometheus-alertmanager";

pub fn command(folder: &Path, address: SocketAddr, telling: Telling) -> anyhow::Result<Command> {
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, configuration(telling))?;
    let mut command = Command::new(PROGRAM);
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .args(["--cluster.listen-address=", "--log.level=warn"]);
    Ok(command)
}

/// Intervals so long that nothing is said twice within a run.
fn configuration(telling: Telling) -> String {
    let hook = |name: &str, to: SocketAddr| {
        format!(
            "  - name: {name}\n    webhook_configs:\n      - url: 'http://{to}/'\n        send_resolved: false\n"
        )
    };
    let each = "group_by: ['...'], group_wait: 0s, group_interval: 1h, repeat_interval: 24h";
    match telling {
        Telling::Nobody => {
            "route: { receiver: nobody, group_by: [alertname], group_wait: 1h, group_interval: 1h, \
             repeat_interval: 24h }\nreceivers:\n  - name: nobody\n"
                .to_owned()
        }
        Telling::Each(to) => format!(
            "route: {{ receiver: hook, {each} }}\nreceivers:\n{}",
            hook("hook", to)
        ),
        Telling::Teams(to, count) => {
            let mut routes = String::new();
            let mut receivers = "  - name: nobody\n".to_owned();
            for name in (0..count).map(team) {
                let _infallible = writeln!(
                    routes,
                    "    - {{ receiver: {name}, matchers: ['team=\"{name}\"'] }}"
                );
                receivers += &hook(&name, to);
            }
            format!(
                "route:\n  receiver: nobody\n  {}\n  routes:\n{routes}receivers:\n{receivers}",
                each.replace(", ", "\n  ")
            )
        }
    }
}

pub async fn holds(address: SocketAddr, count: usize) -> anyhow::Result<()> {
    let mut numbers = Numbers::new(count);
    for alert in list(address).await? {
        numbers.add(&alert)?;
    }
    numbers.check()
}

pub async fn counts(address: SocketAddr, count: usize) -> anyhow::Result<()> {
    let line = "alertmanager_alerts{state=\"active\"}";
    let active = metric(address, line)
        .await?
        .context("there is no count of alerts")?;
    if active != count as f64 {
        bail!("Alertmanager counts {active} alerts of {count}");
    }
    Ok(())
}

pub async fn repeated(
    address: SocketAddr,
    count: usize,
    ends_at: jiff::Timestamp,
) -> anyhow::Result<()> {
    let mut numbers = Numbers::new(count);
    for alert in list(address).await? {
        numbers.add(&alert)?;
        if alert.ends_at != Some(ends_at) {
            bail!("Alertmanager did not take an alert's new end");
        }
    }
    numbers.check()
}

async fn list(address: SocketAddr) -> anyhow::Result<Vec<Listed>> {
    Ok(serde_json::from_slice(&page(address, PATH, None).await?)?)
}

/// What the program says of itself.
pub fn version() -> anyhow::Result<String> {
    let said = Command::new(PROGRAM).arg("--version").output();
    let said = said.with_context(|| {
        format!(
            "{PROGRAM} is not here: `cargo xtask setup` installs it (without starting its service)"
        )
    })?;
    let text = [said.stdout, said.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().next().unwrap_or("unknown").to_owned())
}

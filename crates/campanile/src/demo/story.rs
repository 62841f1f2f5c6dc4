//! What happens, as lines for people: measurements, events of the hub's log, and what the channel shows.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use anyhow::bail;
use engine::Hub;
use model::{Clock, DurationMs, Event, EventKind, Timestamp};
use monitors::host::{HostSampler, Sampler};
use monitors::stress::Stress;
use sandbox::Sandbox;
use sandbox::slack::Slack;

use super::configuration::CHANNEL;

const LOOK_EVERY: DurationMs = DurationMs::from_secs(1);
/// A line with this machine's values comes this often.
const VALUES_EVERY: i64 = 15;

pub struct Story {
    hub: Hub,
    sandbox: Sandbox,
    clock: Arc<dyn Clock>,
    /// Where reading the hub's log stands.
    position: u64,
    /// Each message's last seen text and edits.
    messages: HashMap<String, usize>,
    sampler: Option<HostSampler>,
    looks: i64,
    started: Timestamp,
}

impl Story {
    pub fn new(hub: Hub, sandbox: Sandbox, clock: Arc<dyn Clock>) -> Story {
        let started = clock.now();
        Story {
            hub,
            sandbox,
            clock,
            position: 0,
            messages: HashMap::new(),
            sampler: HostSampler::new().ok(),
            looks: 0,
            started,
        }
    }

    /// Tells what happens, without end.
    pub async fn watch(&mut self) -> anyhow::Result<()> {
        loop {
            self.look().await?;
        }
    }

    /// Until the host's rule opened and its message stands in the channel.
    pub async fn until_opened(&mut self, load: &Stress) -> anyhow::Result<()> {
        let mut opened = false;
        while !(opened && self.shown("danger")) {
            let events = self.look().await?;
            opened |= events.iter().any(|e| e.kind == EventKind::Opened);
            if !load.is_running() && !opened {
                bail!("the load reached its time limit and the rule did not open");
            }
        }
        Ok(())
    }

    /// Until everything is closed and its message is green.
    pub async fn until_closed(&mut self) -> anyhow::Result<()> {
        while self.shown("danger") || !self.shown("good") {
            self.look().await?;
        }
        Ok(())
    }

    /// One look; the events that were new.
    async fn look(&mut self) -> anyhow::Result<Vec<Event>> {
        let mut new = Vec::new();
        for (position, event) in self.hub.store().feed(self.position, 100).await? {
            self.position = position;
            self.say(&sentence(&event));
            new.push(event);
        }
        self.tell_messages();
        if self.looks % VALUES_EVERY == 0 {
            self.tell_values();
        }
        self.looks += 1;
        self.clock.sleep(LOOK_EVERY).await;
        Ok(new)
    }

    fn tell_messages(&mut self) {
        let Some(slack) = self.sandbox.vendor::<Slack>() else {
            return;
        };
        let mut lines = Vec::new();
        for message in slack.messages(CHANNEL) {
            let edits = message.history.len();
            let bar = match color(&message.content.attachments) {
                "danger" => "red",
                "good" => "green",
                other => other,
            };
            let text = message.content.text.clone();
            match self.messages.insert(message.ts.clone(), edits) {
                None => lines.push(format!("Slack {CHANNEL}: new message, {bar} bar: {text}")),
                Some(before) if before != edits => lines.push(format!(
                    "Slack {CHANNEL}: the same message edited, {bar} bar: {text}"
                )),
                Some(_) => {}
            }
        }
        for line in lines {
            self.say(&line);
        }
    }

    fn tell_values(&mut self) {
        let Some(sampler) = &mut self.sampler else {
            return;
        };
        let sample = sampler.sample();
        let cores = sample.physical_cores.unwrap_or(sample.logical_cores).max(1);
        let mut parts = Vec::new();
        if let Some(load) = sample.load1 {
            parts.push(format!(
                "load {load:.2} on {cores} cores = {:.2} (2.0)",
                load / f64::from(cores)
            ));
        }
        #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
        if sample.memory.total > 0 {
            let used = 1.0 - sample.memory.available as f64 / sample.memory.total as f64;
            parts.push(format!("memory {:.0} % (90)", used * 100.0));
        }
        self.say(&format!("this machine: {}", parts.join(", ")));
    }

    fn shown(&self, wanted: &str) -> bool {
        let Some(slack) = self.sandbox.vendor::<Slack>() else {
            return false;
        };
        slack
            .messages(CHANNEL)
            .iter()
            .any(|m| color(&m.content.attachments) == wanted)
    }

    fn say(&self, line: &str) {
        let seconds = self.clock.now().since(self.started).0 / 1000;
        println!("{:>3}:{:02}  {line}", seconds / 60, seconds % 60);
        // A closed terminal is no reason to stop.
        let _closed = std::io::stdout().flush();
    }
}

fn color(attachments: &[serde_json::Value]) -> &str {
    attachments
        .first()
        .and_then(|a| a["color"].as_str())
        .unwrap_or("no")
}

fn sentence(event: &Event) -> String {
    let title = event
        .content
        .as_ref()
        .map(|c| format!(": {}", c.title))
        .unwrap_or_default();
    format!(
        "hub: alert {}{title}",
        event.kind.as_str().replace('_', " ")
    )
}

//! `alerts`: from a command to requests, and from their answers to what is printed.

use std::io::Write;

use model::{Clock, DurationMs, Timestamp};
use serde_json::{Value, json};

use crate::cli::{AlertsArgs, AlertsCommand, OneArgs};
use crate::client::http::Hub;
use crate::client::json::{headline, list, text, time};
use crate::client::text::relative;
use crate::client::{find, list as listing, show, watch};

/// Rows of one page of a log.
const EVENTS_PAGE: usize = 1000;
/// Pages of a log that are read: more than an alert keeps of updates, and room for the rest.
const EVENTS_PAGES_MAX: usize = 10;

/// Does what was asked and prints it to `out`. `watch` ends when `stop` does. `user` is who acts unless told otherwise.
pub async fn run(
    args: &AlertsArgs,
    user: &str,
    clock: &dyn Clock,
    out: &mut dyn Write,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let hub = Hub::from_args(&args.hub)?;
    let work = Work {
        hub: &hub,
        json: args.json,
        user,
        now: clock.now(),
    };
    let printed = match &args.command {
        AlertsCommand::Watch(watch_args) => {
            return watch::run(&hub, watch_args, args.json, clock, out, stop).await;
        }
        AlertsCommand::List(list_args) => {
            let found = listing::fetch(&hub, list_args).await?;
            work.print(&found, || listing::render(&found, list_args, work.now))
        }
        AlertsCommand::Show { which } => {
            let id = find::find(&hub, which).await?;
            work.show(&id).await?
        }
        AlertsCommand::Explain { which } => {
            let id = find::find(&hub, which).await?;
            let answer = hub.get(&format!("/api/v1/alerts/{id}/explain")).await?;
            work.print(&answer, || show::explain(&answer, work.now))
        }
        AlertsCommand::Ack { one, lasting } => {
            work.act(one, "acknowledge", "Acknowledged", until(*lasting))
                .await?
        }
        AlertsCommand::Unack { one } => {
            work.act(one, "unacknowledge", "No longer acknowledged", json!({}))
                .await?
        }
        AlertsCommand::Close { one } => work.act(one, "close", "Closed", json!({})).await?,
        AlertsCommand::Reopen { one } => work.act(one, "reopen", "Opened again", json!({})).await?,
        AlertsCommand::Shelve { one, lasting } => {
            work.act(one, "shelve", "Shelved", until(Some(*lasting)))
                .await?
        }
        AlertsCommand::Unshelve { one } => {
            work.act(one, "unshelve", "Taken from the shelf", json!({}))
                .await?
        }
        AlertsCommand::Note { one, text } => {
            work.act(one, "note", "Noted", json!({ "text": text }))
                .await?
        }
        AlertsCommand::Assign { one, to } if to.trim().is_empty() => {
            work.act(one, "assign", "Assigned to nobody", json!({ "to": null }))
                .await?
        }
        AlertsCommand::Assign { one, to } => {
            work.act(one, "assign", "Assigned", json!({ "to": to }))
                .await?
        }
    };
    out.write_all(printed.as_bytes())?;
    Ok(())
}

fn until(lasting: Option<DurationMs>) -> Value {
    lasting.map_or_else(
        || json!({}),
        |lasting| json!({ "for": lasting.to_string() }),
    )
}

struct Work<'a> {
    hub: &'a Hub,
    json: bool,
    user: &'a str,
    now: Timestamp,
}

impl Work<'_> {
    fn print(&self, answer: &Value, for_people: impl FnOnce() -> String) -> String {
        if self.json {
            format!("{answer:#}\n")
        } else {
            for_people()
        }
    }

    async fn show(&self, id: &str) -> anyhow::Result<String> {
        let mut alert = self.hub.get(&format!("/api/v1/alerts/{id}")).await?;
        let events = self.events(id).await?;
        if self.json {
            alert["events"] = Value::Array(events);
            return Ok(format!("{alert:#}\n"));
        }
        Ok(show::alert(&alert, &events, self.now))
    }

    /// The alert's log, oldest first.
    async fn events(&self, id: &str) -> anyhow::Result<Vec<Value>> {
        let mut events: Vec<Value> = Vec::new();
        for _page in 0..EVENTS_PAGES_MAX {
            let after = events
                .last()
                .map_or(0, |event| crate::client::json::number(event, "seq"));
            let path = format!("/api/v1/alerts/{id}/events?after={after}&limit={EVENTS_PAGE}");
            let page = self.hub.get(&path).await?;
            let got = list(&page, "events");
            events.extend_from_slice(got);
            if got.len() < EVENTS_PAGE {
                break;
            }
        }
        Ok(events)
    }

    async fn act(
        &self,
        one: &OneArgs,
        verb: &str,
        done: &str,
        mut body: Value,
    ) -> anyhow::Result<String> {
        let id = find::find(self.hub, &one.which).await?;
        body["by"] = json!(one.by.as_deref().unwrap_or(self.user));
        if let Some(note) = &one.note {
            body["note"] = json!(note);
        }
        let alert = self
            .hub
            .post(&format!("/api/v1/alerts/{id}/{verb}"), &body)
            .await?;
        Ok(self.print(&alert, || self.done(done, &alert)))
    }

    /// What happened, how it is now, and what to do next.
    fn done(&self, done: &str, alert: &Value) -> String {
        let mut now = format!("It is {} now", text(alert, "status"));
        for (status, field) in [
            ("acknowledged", "acked_until"),
            ("shelved", "shelved_until"),
        ] {
            if text(alert, "status") == status
                && let Some(until) = time(alert, field)
            {
                now.push_str(&format!(", and open again {}", relative(until, self.now)));
            }
        }
        let assignee = text(alert, "assignee");
        if !assignee.is_empty() {
            now.push_str(&format!(", assigned to {assignee}"));
        }
        format!(
            "{done}: {}\n{now}.\n{}\n",
            crate::client::text::cut(&headline(alert), 80),
            show::next_step(alert)
        )
    }
}

//! The run in figures.

use std::collections::BTreeMap;
use std::fmt;

use crate::hub::Moment;
use crate::plan::Kill;
use crate::truth::Truth;
use crate::vendors::Vendors;

#[derive(Default)]
pub struct Report {
    /// By name: how often, and how often of these before the hub listened.
    kills: BTreeMap<&'static str, (u64, u64)>,
    sent: u64,
    accepted: u64,
    unanswered: u64,
    refused: u64,
    sending_ms: i64,
    requests: u64,
    webhooks: u64,
    pub alerts: u64,
    pub alerts_open: u64,
    pub events: u64,
    pub messages: u64,
    pub messages_green: u64,
    pub extra_messages: u64,
    pub extra_red_of_closed: u64,
    pub orphans_counted: u64,
    pub slack_duplicates_counted: u64,
    pub webhooks_again: u64,
    pub webhook_duplicates_counted: u64,
}

impl Report {
    pub fn killed(&mut self, kill: &Kill, moment: Moment) {
        let (all, starting) = self.kills.entry(kill.name()).or_default();
        *all += 1;
        *starting += u64::from(moment == Moment::Starting);
    }

    pub fn load(&mut self, truth: &Truth, vendors: &Vendors) {
        self.sent = truth.sent;
        self.accepted = truth.accepted;
        self.unanswered = truth.unanswered;
        self.refused = truth.refused;
        self.sending_ms = truth.sending_ms;
        self.requests = vendors.requests();
        self.webhooks = vendors.webhooks.arrived();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<46} {:>7} {:>16}",
            "killed at", "times", "while starting"
        )?;
        let mut total = (0, 0);
        for (name, (all, starting)) in &self.kills {
            total = (total.0 + all, total.1 + starting);
            writeln!(f, "  {name:<44} {all:>7} {starting:>16}")?;
        }
        writeln!(f, "  {:<44} {:>7} {:>16}", "in all", total.0, total.1)?;
        let seconds = (self.sending_ms / 1000).max(1);
        let rate = self.sent / u64::try_from(seconds).unwrap_or(1);
        let rows = [
            ("signals sent", self.sent),
            ("  a second, while a hub listened", rate),
            ("  accepted (2xx)", self.accepted),
            ("  unanswered", self.unanswered),
            ("  told to try again (503)", self.refused),
            ("alerts", self.alerts),
            ("  open at the end", self.alerts_open),
            ("events in their logs", self.events),
            ("requests that vendors got", self.requests),
            ("Slack messages", self.messages),
            ("  green", self.messages_green),
            ("  beside an alert's own", self.extra_messages),
            (
                "  of these, red though the alert is closed",
                self.extra_red_of_closed,
            ),
            ("  orphans counted by the hub", self.orphans_counted),
            (
                "  duplicates counted by the hub",
                self.slack_duplicates_counted,
            ),
            ("webhooks that arrived", self.webhooks),
            ("  again, under their own id", self.webhooks_again),
            (
                "  duplicates counted by the hub",
                self.webhook_duplicates_counted,
            ),
        ];
        for (name, figure) in rows {
            writeln!(f, "{name:<46} {figure:>7}")?;
        }
        Ok(())
    }
}

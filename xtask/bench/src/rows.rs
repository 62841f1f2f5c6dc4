//! The rows: what is measured, in which unit, and what the hub must reach (its performance budget).

use clap::ValueEnum;
use serde::Serialize;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    RulerBatches,
    RulerSingles,
    RulerWebhooks,
    New,
    Notified,
    Delivered,
    Resent,
    Singles,
    Cpu,
    MemoryGrouped,
    MemoryNotified,
    Integrations,
    GrowthTime,
    GrowthMemory,
}

/// What `--only` takes: rows that are measured together have one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// The generator and the receiver by themselves.
    Ruler,
    /// New alerts, nobody told.
    New,
    /// New alerts, each with a webhook owed.
    Notified,
    /// Webhooks delivered.
    Delivered,
    /// Re-sent alerts.
    Resent,
    /// Requests with one alert each.
    Singles,
    /// Processor time for each alert.
    Cpu,
    /// Resident memory.
    Memory,
    /// From 10 to 1,000 integrations.
    Integrations,
    /// From ten thousand to a million alerts; only with --full.
    Growth,
}

/// What a row must reach.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// Ours, as so many times Alertmanager's.
    AtLeast(f64),
    AtMost(f64),
    /// Ours itself, whatever Alertmanager's is.
    OwnAtMost(f64),
    /// A ceiling for other rows.
    None,
}

impl Row {
    pub const ALL: [Row; 14] = [
        Row::RulerBatches,
        Row::RulerSingles,
        Row::RulerWebhooks,
        Row::New,
        Row::Notified,
        Row::Delivered,
        Row::Resent,
        Row::Singles,
        Row::Cpu,
        Row::MemoryGrouped,
        Row::MemoryNotified,
        Row::Integrations,
        Row::GrowthTime,
        Row::GrowthMemory,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Row::RulerBatches => "ruler: alerts/s into a bare endpoint, batches of 64",
            Row::RulerSingles => "ruler: requests/s into a bare endpoint, 64 connections",
            Row::RulerWebhooks => "ruler: requests/s, generator straight to receiver",
            Row::New => "new alerts accepted/s, nobody told, grouped",
            Row::Notified => "new alerts accepted/s, each with a webhook owed",
            Row::Delivered => "webhooks delivered/s, one alert each, end to end",
            Row::Resent => "re-sent alerts accepted/s, endsAt moved",
            Row::Singles => "single-alert requests/s, 64 connections",
            Row::Cpu => "CPU per new alert notified, µs",
            Row::MemoryGrouped => "peak resident memory, all active, grouped, MB",
            Row::MemoryNotified => "peak resident memory, all active, each notified, MB",
            Row::Integrations => "time per alert, 1,000 integrations : 10",
            Row::GrowthTime => "time per new alert, at 1,000,000 active : at 10,000",
            Row::GrowthMemory => "memory per alert, 100,000 to 1,000,000 : 10,000 to 100,000",
        }
    }

    pub fn target(self) -> Target {
        match self {
            Row::RulerBatches | Row::RulerSingles | Row::RulerWebhooks => Target::None,
            Row::New => Target::AtLeast(1.2),
            Row::Notified | Row::Resent => Target::AtLeast(8.0),
            Row::Delivered => Target::AtLeast(6.0),
            Row::Singles => Target::AtLeast(1.3),
            Row::Cpu => Target::AtMost(1.0 / 8.0),
            Row::MemoryGrouped => Target::AtMost(1.0 / 4.0),
            Row::MemoryNotified => Target::AtMost(1.0 / 15.0),
            // "Flat" and "linear" with what a shared machine adds.
            Row::Integrations | Row::GrowthTime | Row::GrowthMemory => Target::OwnAtMost(1.25),
        }
    }
}

/// Rows of the budget that wait for what they measure.
pub const NOT_YET: &[(&str, &str)] = &[(
    "Alerta API, POST /alert/s, PostgreSQL, 64 connections (target ≥ 100 ×)",
    "not yet: its issue is open",
)];

impl Target {
    /// Whether it is met; `None` if there is nothing to meet or to compare with.
    pub fn met(self, ratio: Option<f64>, own: f64) -> Option<bool> {
        match self {
            Target::AtLeast(least) => Some(ratio? >= least),
            Target::AtMost(most) => Some(ratio? <= most),
            Target::OwnAtMost(most) => Some(own <= most),
            Target::None => None,
        }
    }

    pub fn text(self) -> String {
        match self {
            Target::AtLeast(least) => format!("≥ {least} ×"),
            Target::AtMost(most) => format!("≤ 1/{:.0}", 1.0 / most),
            Target::OwnAtMost(most) => format!("≤ {most}"),
            Target::None => "–".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_met_from_the_right_side() {
        assert_eq!(Target::AtLeast(8.0).met(Some(7.9), 1e6), Some(false));
        assert_eq!(Target::AtLeast(8.0).met(Some(8.0), 0.0), Some(true));
        assert_eq!(Target::AtMost(0.25).met(Some(0.3), 0.0), Some(false));
        assert_eq!(Target::OwnAtMost(1.25).met(Some(9.0), 1.2), Some(true));
        assert_eq!(Target::AtLeast(8.0).met(None, 1.0), None);
        assert_eq!(Target::AtMost(1.0 / 15.0).text(), "≤ 1/15");
    }
}

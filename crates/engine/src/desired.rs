//! What the operator wants, as values: the configuration file's meaning, checked and without its syntax.
//! `catalog` compares it with what the store has and acts on the difference.

use std::collections::BTreeMap;

use integrations::kit::SettingsMap;
use model::{DurationMs, EventKind, Matcher, Secret, Severity, TimeInterval};
use serde::{Deserialize, Serialize};

/// Everything that is declared.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    pub organization: String,
    pub projects: Vec<DesiredProject>,
}

#[derive(Clone, Debug)]
pub struct DesiredProject {
    /// Unique.
    pub name: String,
    pub owner_email: Option<String>,
    pub sources: Vec<DesiredSource>,
    pub integrations: Vec<DesiredIntegration>,
    pub inhibitions: Vec<Inhibition>,
}

/// While an alert that `source` matches is open, those that `target` matches are not told, if both have the same values
/// of the labels `equal` (an absent one counts as empty). An alert that both match inhibits nothing that both match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inhibition {
    /// For people: what `explain` names.
    pub name: String,
    pub source: Vec<Matcher>,
    pub target: Vec<Matcher>,
    pub equal: Vec<String>,
}

/// A way in.
#[derive(Clone, Debug)]
pub struct DesiredSource {
    /// Unique in its project.
    pub name: String,
    pub way: SourceWay,
    /// What senders authenticate with; at least one for a dialect, none for a monitor.
    pub keys: Vec<Secret>,
}

#[derive(Clone, Debug)]
pub enum SourceWay {
    /// An inbound endpoint that speaks this dialect of the registry, with that dialect's settings.
    Dialect { name: String, settings: DebugHidden },
    /// A monitor inside the hub: `host`, with that monitor's settings.
    Monitor { name: String, settings: SettingsMap },
}

/// A rule that tells a sink.
#[derive(Clone, Debug)]
pub struct DesiredIntegration {
    /// Unique in its project.
    pub name: String,
    pub of: Of,
    /// All must match for an alert to enter; they never decide about leaving.
    pub matchers: Vec<Matcher>,
    /// An alert that all of one of these lists match does not enter: what another rule has taken.
    pub except: Vec<Vec<Matcher>>,
    /// The name under which Alertmanager's clients see it; several integrations may share one. Absent: its own name.
    pub receiver: Option<String>,
    /// The sink's name in the registry.
    pub sink: String,
    pub settings: DebugHidden,
    pub policy: Policy,
    /// Off: opens nothing, still closes.
    pub enabled: bool,
    /// What a new or widened integration does about alerts that are open already.
    pub existing: Existing,
}

/// Settings that may hold secrets: their `Debug` shows the names only (I9).
#[derive(Clone, Default, PartialEq)]
pub struct DebugHidden(pub SettingsMap);

impl std::fmt::Debug for DebugHidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// What an integration is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    Issues,
    Notifications,
    Metrics,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// Open alerts that match are told at once.
    #[default]
    Tell,
    /// They enter with their next event.
    FromNextEvent,
}

/// How an integration delivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// How long an alert must stay open before anything is sent; closed by then: nothing is.
    pub delay: DurationMs,
    /// Reminders while it is open and not acknowledged; zero: none. Not for vendors that page by themselves.
    pub interval: DurationMs,
    /// Mirrors: the least time between edits that show mere updates (Slack's document: five minutes).
    pub edit_interval: DurationMs,
    /// Which events are wanted; `None`: all. Never filters closes for lifecycle and mirror sinks.
    pub notify_on: Option<Vec<EventKind>>,
    /// Notifications at lifecycle vendors are closed at once (E16).
    pub close_notifications: bool,
    /// Alerts that are alike in this share one message or incident; `None`: each has its own. Issues only.
    pub group: Option<Grouping>,
    /// Within these times nothing is opened, updated or reminded of; it is told afterwards, if it is still so.
    pub mute: Vec<TimeInterval>,
    /// Outside of these times, if there are any: as `mute`.
    pub active: Vec<TimeInterval>,
    /// An alert that opens and closes all the time is held until it is calm.
    pub flapping: Option<Flapping>,
    /// As what a severity is told here, where that is not itself. Matchers see the alert's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub severity: BTreeMap<Severity, Severity>,
}

/// How alerts are put together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouping {
    pub by: GroupBy,
    /// How long a new group waits for more before it is told.
    pub wait: DurationMs,
    /// The least time between two words about a group that only say that it changed.
    pub interval: DurationMs,
}

/// What must be equal for alerts to be of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// These labels. None: all alerts of the integration are one group.
    Labels(Vec<String>),
    /// All labels: each alert is a group of its own (Alertmanager's `...`).
    All,
}

/// When an alert counts as flapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flapping {
    /// So many openings of one key …
    pub changes: u32,
    /// … within this time. It is calm when it stayed as it is for as long.
    pub window: DurationMs,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            delay: DurationMs::ZERO,
            interval: DurationMs::ZERO,
            edit_interval: DurationMs::from_mins(5),
            notify_on: None,
            close_notifications: true,
            group: None,
            mute: Vec::new(),
            active: Vec::new(),
            flapping: None,
            severity: BTreeMap::new(),
        }
    }
}

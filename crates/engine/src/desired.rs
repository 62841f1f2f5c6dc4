//! What the operator wants, as values: the configuration file's meaning, checked and without its syntax.
//! `catalog` compares it with what the store has and acts on the difference.

use integrations::kit::SettingsMap;
use model::{DurationMs, EventKind, Matcher, Secret};
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
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            delay: DurationMs::ZERO,
            interval: DurationMs::ZERO,
            edit_interval: DurationMs::from_mins(5),
            notify_on: None,
            close_notifications: true,
        }
    }
}

//! What alerts look like at Opsgenie and at Jira Service Management, as settings.
//!
//! Limits: Opsgenie's documentation, "Alert API", "Create Alert", read 2026-11; those that it does not state are
//! remembered and kept on the safe side.

use std::collections::BTreeMap;

use model::{Alert, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kit::SettingsError;

/// Responders of one alert; `visibleTo` has the same.
const RESPONDERS_MAX: usize = 50;
/// Actions of one alert, and characters of each.
const ACTIONS_MAX: usize = 10;
pub const ACTION_CHARS_MAX: usize = 50;
/// Tags of one alert, and characters of each.
pub const TAGS_MAX: usize = 20;
pub const TAG_CHARS_MAX: usize = 50;
/// Characters of `source` and `user`.
pub const SOURCE_CHARS_MAX: usize = 100;
/// People named in `owners`: a large team.
const OWNERS_MAX: usize = 500;
/// More a second than any plan of Opsgenie's takes.
const PER_SECOND_MAX: u32 = 1000;

/// Which fields an alert has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Preset {
    /// Our own.
    #[default]
    Campanile,
    /// As "Alerta and OpsGenie Edge Connector" describes the payload.
    Alerta,
    /// As Alerta's plugin sends them today.
    AlertaPlugin,
}

/// The settings that both products have.
#[derive(Deserialize, JsonSchema)]
pub struct FormSettings {
    /// Which fields an alert has: `campanile` (our own); `alerta` as the documents about Alerta's Edge Connector give them (message `severity: text -> value`, entity `services-environment`); `alerta_plugin` as Alerta's own plugin sends them (message `[ environment ]: severity: text`). With the latter two, scripts made for Alerta work unchanged; they set no priority and no description.
    #[serde(default)]
    preset: Preset,
    /// The alert's source. Scripts and callbacks act only on alerts with the source they know. Without it: `Campanile`, and `Alerta` with its presets.
    #[serde(default)]
    source: Option<String>,
    /// Who is named for what the hub does by itself; what a person does carries the person's name.
    #[serde(default = "campanile")]
    user: String,
    /// Priorities by severity, `P1` to `P5`; severities left out keep theirs: critical P1, major P2, minor P3, warning P3, info P5.
    #[serde(default)]
    priorities: BTreeMap<String, String>,
    /// Teams that are notified, by name or id. A key of a team's own integration notifies that team without this.
    #[serde(default)]
    teams: Vec<String>,
    /// People who are notified, by user name (their mail address) or id.
    #[serde(default)]
    users: Vec<String>,
    /// On-call schedules that are notified, by name or id.
    #[serde(default)]
    schedules: Vec<String>,
    /// Escalations that are notified, by name or id.
    #[serde(default)]
    escalations: Vec<String>,
    /// Teams that see the alert without being notified, by name or id.
    #[serde(default)]
    visible_to_teams: Vec<String>,
    /// People who see the alert without being notified, by user name or id.
    #[serde(default)]
    visible_to_users: Vec<String>,
    /// Custom actions that the alert offers, at most 10.
    #[serde(default)]
    actions: Vec<String>,
    /// Tags that every alert gets, at most 20 with those of `tag_labels`.
    #[serde(default)]
    tags: Vec<String>,
    /// Labels whose values become tags.
    #[serde(default)]
    tag_labels: Vec<String>,
    /// What the entity is: the alert's resource if this is left out, otherwise this text.
    #[serde(default)]
    entity: Option<String>,
    /// Who somebody of this hub is there: the hub's name for a person, and the person's user name (mail address). Assignments to people who are not listed and whose name is no mail address become notes.
    #[serde(default)]
    owners: BTreeMap<String, String>,
    /// Whether the hub asks what became of each request. The answer 202 only says that a request was understood; switched off, a request that was dropped later counts as told.
    #[serde(default = "yes")]
    confirm: bool,
    /// How many alerts a second are told at most. The limit there depends on plan and users; without this it is 10.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    per_second: Option<u32>,
}

fn campanile() -> String {
    "Campanile".to_owned()
}

fn yes() -> bool {
    true
}

/// The same, checked.
pub struct Form {
    pub preset: Preset,
    pub source: String,
    pub user: String,
    priorities: [(Severity, &'static str); 5],
    pub responders: Vec<Value>,
    pub visible_to: Vec<Value>,
    pub actions: Vec<String>,
    pub tags: Vec<String>,
    pub tag_labels: Vec<String>,
    pub entity: Option<String>,
    pub owners: BTreeMap<String, String>,
    pub confirm: bool,
    pub per_second: u32,
}

impl Form {
    /// Priority P1 to P5 by the alert's severity.
    pub fn priority(&self, alert: &Alert) -> &'static str {
        let severity = alert.severity();
        let found = self.priorities.iter().find(|(s, _)| *s == severity);
        found.map_or("P3", |(_, priority)| priority)
    }
}

impl FormSettings {
    /// Checks everything; every problem at once.
    pub fn check(self) -> Result<Form, Vec<SettingsError>> {
        let mut errors = Vec::new();
        let mut problem = |field: &str, what: String| errors.push(SettingsError::new(field, what));

        let lists = [
            ("teams", &self.teams),
            ("users", &self.users),
            ("schedules", &self.schedules),
            ("escalations", &self.escalations),
            ("visible_to_teams", &self.visible_to_teams),
            ("visible_to_users", &self.visible_to_users),
            ("actions", &self.actions),
            ("tags", &self.tags),
            ("tag_labels", &self.tag_labels),
        ];
        for (field, list) in lists {
            if list.iter().any(|item| item.trim().is_empty()) {
                problem(field, "one of the items is empty".to_owned());
            }
        }
        let told =
            self.teams.len() + self.users.len() + self.schedules.len() + self.escalations.len();
        if told > RESPONDERS_MAX {
            problem(
                "teams",
                format!("an alert has at most {RESPONDERS_MAX} responders in all"),
            );
        }
        if self.visible_to_teams.len() + self.visible_to_users.len() > RESPONDERS_MAX {
            let what = format!("an alert is shown to at most {RESPONDERS_MAX} teams and people");
            problem("visible_to_teams", what);
        }
        if self.actions.len() > ACTIONS_MAX {
            problem("actions", format!("there are at most {ACTIONS_MAX}"));
        }
        for (field, list, max) in [
            ("actions", &self.actions, ACTION_CHARS_MAX),
            ("tags", &self.tags, TAG_CHARS_MAX),
        ] {
            if list.iter().any(|item| item.chars().count() > max) {
                problem(field, format!("each has at most {max} characters"));
            }
        }
        if self.tags.len() > TAGS_MAX {
            problem("tags", format!("there are at most {TAGS_MAX}"));
        }
        if self.owners.len() > OWNERS_MAX {
            problem("owners", format!("there are at most {OWNERS_MAX}"));
        }
        let source = self.source.map(|text| text.trim().to_owned());
        for (field, text) in [
            ("source", source.as_deref()),
            ("user", Some(self.user.trim())),
        ] {
            let chars = text.map_or(1, |text| text.chars().count());
            if !(1..=SOURCE_CHARS_MAX).contains(&chars) {
                problem(
                    field,
                    format!("it has from 1 to {SOURCE_CHARS_MAX} characters"),
                );
            }
        }
        if self
            .per_second
            .is_some_and(|n| !(1..=PER_SECOND_MAX).contains(&n))
        {
            problem("per_second", format!("it is from 1 to {PER_SECOND_MAX}"));
        }
        let priorities = priorities(&self.priorities).map_err(|what| problem("priorities", what));

        match priorities {
            Ok(priorities) if errors.is_empty() => Ok(Form {
                source: source.unwrap_or_else(|| self.preset.source().to_owned()),
                preset: self.preset,
                user: self.user.trim().to_owned(),
                priorities,
                responders: [
                    named("team", "name", &self.teams),
                    named("user", "username", &self.users),
                    named("schedule", "name", &self.schedules),
                    named("escalation", "name", &self.escalations),
                ]
                .concat(),
                visible_to: [
                    named("team", "name", &self.visible_to_teams),
                    named("user", "username", &self.visible_to_users),
                ]
                .concat(),
                actions: self.actions,
                tags: self.tags,
                tag_labels: self.tag_labels,
                entity: self.entity.filter(|text| !text.trim().is_empty()),
                owners: self.owners,
                confirm: self.confirm,
                per_second: self.per_second.unwrap_or(10),
            }),
            _ => Err(errors),
        }
    }
}

impl Preset {
    /// The source of alerts, if none is set (A14).
    fn source(self) -> &'static str {
        match self {
            Preset::Campanile => "Campanile",
            Preset::Alerta | Preset::AlertaPlugin => "Alerta",
        }
    }
}

/// Opsgenie's ids are UUIDs; everything else is a name.
pub fn is_id(text: &str) -> bool {
    let groups = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    groups.iter().all(|len| {
        parts
            .next()
            .is_some_and(|part| part.len() == *len && part.bytes().all(|b| b.is_ascii_hexdigit()))
    }) && parts.next().is_none()
}

fn named(kind: &str, by: &str, list: &[String]) -> Vec<Value> {
    let one = |text: &String| {
        let text = text.trim();
        let by = if is_id(text) { "id" } else { by };
        json!({ "type": kind, by: text })
    };
    list.iter().map(one).collect()
}

fn priorities(given: &BTreeMap<String, String>) -> Result<[(Severity, &'static str); 5], String> {
    let mut all = [
        (Severity::Critical, "P1"),
        (Severity::Major, "P2"),
        (Severity::Minor, "P3"),
        (Severity::Warning, "P3"),
        (Severity::Info, "P5"),
    ];
    for (word, priority) in given {
        let known = ["P1", "P2", "P3", "P4", "P5"]
            .into_iter()
            .find(|p| *p == priority.trim());
        let row = all.iter_mut().find(|(s, _)| s.as_str() == word.trim());
        match (row, known) {
            (Some(row), Some(known)) => row.1 = known,
            (None, _) => {
                return Err(
                    "the severities are critical, major, minor, warning and info".to_owned(),
                );
            }
            (_, None) => return Err("a priority is one of P1, P2, P3, P4 and P5".to_owned()),
        }
    }
    Ok(all)
}

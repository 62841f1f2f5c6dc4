//! The reading half: `GET /api/v2/alerts`, `/status`, `/receivers`.

use model::{DurationMs, Labels, Status};
use regex::Regex;
use serde_json::{Value, json};

use super::filter::Filter;
use super::statement::GENERATOR;
use super::{config, goregex, groups, silences};
use crate::kit::{AlertmanagerFilter, AlertmanagerRead, Answer, ReadAlert, ReadData};

/// The version whose behaviour this is; clients choose their requests by it.
const VERSION: &str = "0.25.0";

pub fn render(want: &AlertmanagerRead, data: &ReadData<'_>) -> Answer {
    match want {
        AlertmanagerRead::Status => Answer::json(200, &status(data)),
        AlertmanagerRead::Receivers => Answer::json(200, &receivers(names(data))),
        AlertmanagerRead::Alerts(wanted) => alerts(wanted, data),
        AlertmanagerRead::Groups(wanted) => groups::render(wanted, data),
        AlertmanagerRead::Silences { filters } => silences::list(filters, data),
        AlertmanagerRead::Silence(id) => silences::one(*id, data),
    }
}

/// Receivers' names in the configuration's order, each once.
fn names<'a>(data: &ReadData<'a>) -> Vec<&'a str> {
    unique(data.integrations.iter().map(|of| of.receiver.as_str()))
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut once = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

pub fn receivers(names: Vec<&str>) -> Value {
    names
        .into_iter()
        .map(|name| json!({ "name": name }))
        .collect()
}

fn status(data: &ReadData<'_>) -> Value {
    json!({
        "cluster": { "peers": [], "status": "disabled" },
        "config": { "original": config::text(data.integrations) },
        "uptime": data.started_at.to_string(),
        "versionInfo": {
            "version": VERSION,
            "revision": data.version,
            "branch": "campanile",
            "buildUser": data.node,
            "buildDate": "",
            "goVersion": "",
        },
    })
}

/// What a query lets through. Its texts were read once when the query was; one that does not read lets nothing through.
pub struct Sieve<'a> {
    wanted: &'a AlertmanagerFilter,
    filters: Vec<Filter>,
    receiver: Option<Regex>,
}

impl<'a> Sieve<'a> {
    pub fn new(wanted: &'a AlertmanagerFilter) -> Result<Sieve<'a>, String> {
        let receiver = wanted.receiver.as_deref().map(goregex::anchored);
        Ok(Sieve {
            wanted,
            filters: wanted
                .filters
                .iter()
                .map(|text| Filter::parse(text))
                .collect::<Result<_, _>>()?,
            receiver: receiver.transpose()?,
        })
    }

    /// Whether an alert is wanted, leaving its receivers aside.
    pub fn takes(&self, of: &ReadAlert) -> bool {
        let wanted = self.wanted;
        let state = state(of);
        !of.alert.is_closed()
            && (wanted.active || state != "active")
            && (wanted.unprocessed || state != "unprocessed")
            && (wanted.silenced || !is_silenced(of))
            && (wanted.inhibited || of.inhibited_by.is_empty())
            && self
                .filters
                .iter()
                .all(|filter| filter.matches(&of.alert.content.labels))
    }

    pub fn takes_receiver(&self, name: &str) -> bool {
        self.receiver
            .as_ref()
            .is_none_or(|regex| regex.is_match(name))
    }
}

/// What is on our shelf is not told for a while, and no silence is named for it.
fn is_silenced(of: &ReadAlert) -> bool {
    !of.silenced_by.is_empty() || of.alert.status == Status::Shelved
}

pub fn is_suppressed(of: &ReadAlert) -> bool {
    is_silenced(of) || !of.inhibited_by.is_empty()
}

fn state(of: &ReadAlert) -> &'static str {
    match of.alert.status {
        Status::Tracking => "unprocessed",
        _ if is_suppressed(of) => "suppressed",
        _ => "active",
    }
}

fn alerts(wanted: &AlertmanagerFilter, data: &ReadData<'_>) -> Answer {
    let sieve = match Sieve::new(wanted) {
        Ok(sieve) => sieve,
        Err(problem) => return super::answers::problem(400, &problem),
    };
    let receivers_of = |of: &ReadAlert| -> Vec<&str> {
        let all = of
            .integrations
            .iter()
            .filter_map(|i| data.integrations.get(*i));
        unique(all.map(|integration| integration.receiver.as_str()))
    };
    let mut wanted: Vec<_> = data
        .alerts
        .iter()
        .filter(|of| sieve.takes(of))
        .map(|of| (of, receivers_of(of)))
        .filter(|(_, names)| {
            wanted.receiver.is_none() || names.iter().any(|name| sieve.takes_receiver(name))
        })
        .collect();
    wanted.sort_by(|(a, _), (b, _)| a.alert.key.cmp(&b.alert.key));
    let list: Value = wanted
        .into_iter()
        .map(|(of, names)| gettable(of, names))
        .collect();
    Answer::json(200, &list)
}

/// One alert as clients see it, with the receivers of these names.
pub fn gettable(of: &ReadAlert, names: Vec<&str>) -> Value {
    let content = &of.alert.content;
    let ends_at = of
        .ends_at
        .or(of.alert.ends_at)
        .unwrap_or(of.last_seen + DurationMs::from_mins(5));
    let silenced_by: Vec<String> = of.silenced_by.iter().map(ToString::to_string).collect();
    let mut value = json!({
        "labels": pairs(&content.labels),
        "annotations": pairs(&content.annotations),
        "startsAt": content.starts_at.to_string(),
        "endsAt": ends_at.to_string(),
        "updatedAt": of.last_seen.to_string(),
        "fingerprint": of.alert.key,
        "receivers": receivers(names),
        "status": {
            "state": state(of),
            "silencedBy": silenced_by,
            "inhibitedBy": of.inhibited_by,
            "mutedBy": [],
        },
    });
    if let Some(link) = content.links.iter().find(|link| link.text == GENERATOR) {
        value["generatorURL"] = Value::from(link.href.as_str());
    }
    value
}

pub fn pairs(labels: &Labels) -> Value {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

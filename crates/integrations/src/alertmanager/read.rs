//! The reading half: `GET /api/v2/alerts`, `/status`, `/receivers`.

use model::{Alert, DurationMs, Labels, Status, Timestamp};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::decode::GENERATOR;
use super::filter::Filter;
use crate::kit::{AlertmanagerFilter, AlertmanagerRead, Answer, ReadData};

/// Matchers in one query.
const FILTERS_MAX: usize = 50;
/// The version whose behaviour this is; clients choose their requests by it.
const VERSION: &str = "0.25.0";

/// Reads the query of `GET /alerts`. `active=false` leaves out active alerts. Parameters about silences and
/// inhibition change nothing here.
pub fn alerts_query(query: &str) -> Result<AlertmanagerRead, String> {
    let mut filters = Vec::new();
    let mut active = true;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "filter" => {
                Filter::parse(&value)?;
                filters.push(value.into_owned());
            }
            "active" => active = matches!(&*value, "true" | "1" | "ok" | "yes" | "on"),
            _ => {}
        }
    }
    if filters.len() > FILTERS_MAX {
        return Err(format!("more than {FILTERS_MAX} filters"));
    }
    Ok(AlertmanagerRead::Alerts(AlertmanagerFilter {
        filters,
        receiver: None,
        active,
        silenced: true,
        inhibited: true,
        unprocessed: true,
        muted: true,
    }))
}

pub fn render(want: &AlertmanagerRead, data: &ReadData<'_>) -> Answer {
    let value = match want {
        AlertmanagerRead::Status => status(data),
        AlertmanagerRead::Receivers => receivers(data),
        AlertmanagerRead::Alerts(wanted) => alerts(&wanted.filters, wanted.active, data),
        AlertmanagerRead::Groups(_)
        | AlertmanagerRead::Silences { .. }
        | AlertmanagerRead::Silence(_) => return Answer::empty(404),
    };
    Answer::json(200, &value)
}

fn names(data: &ReadData<'_>) -> Vec<String> {
    data.integrations
        .iter()
        .map(|of| of.receiver.clone())
        .collect()
}

fn receivers(data: &ReadData<'_>) -> Value {
    data.integrations
        .iter()
        .map(|of| json!({ "name": of.receiver }))
        .collect()
}

fn status(data: &ReadData<'_>) -> Value {
    json!({
        "cluster": { "peers": [], "status": "disabled" },
        "config": { "original": config(&names(data)) },
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

/// A configuration in which every receiver is reached. JSON's strings are YAML's too.
fn config(receivers: &[String]) -> String {
    let quoted = |name: &str| Value::from(name).to_string();
    let root = quoted(receivers.first().map_or("campanile", String::as_str));
    let mut text = format!("route:\n  receiver: {root}\nreceivers:\n");
    for name in receivers {
        text.push_str(&format!("- name: {}\n", quoted(name)));
    }
    if receivers.is_empty() {
        text.push_str(&format!("- name: {root}\n"));
    }
    text
}

fn alerts(filters: &[String], active: bool, data: &ReadData<'_>) -> Value {
    // They were read once when the query was; one that does not read matches nothing.
    let filters: Option<Vec<Filter>> = filters
        .iter()
        .map(|text| Filter::parse(text).ok())
        .collect();
    let Some(filters) = filters else {
        return json!([]);
    };
    let is_wanted = |alert: &Alert| {
        !alert.is_closed()
            && (active || is_suppressed(alert))
            && filters
                .iter()
                .all(|filter| filter.matches(&alert.content.labels))
    };
    let mut wanted: Vec<_> = data
        .alerts
        .iter()
        .filter(|of| is_wanted(&of.alert))
        .collect();
    wanted.sort_by(|a, b| a.alert.key.cmp(&b.alert.key));
    wanted
        .into_iter()
        .map(|of| gettable(&of.alert, of.ends_at, of.last_seen, data))
        .collect()
}

/// What Alertmanager calls suppressed is what we call shelved.
fn is_suppressed(alert: &Alert) -> bool {
    alert.status == Status::Shelved
}

fn gettable(
    alert: &Alert,
    ends_at: Option<Timestamp>,
    last_seen: Timestamp,
    data: &ReadData<'_>,
) -> Value {
    let content = &alert.content;
    let ends_at = ends_at
        .or(alert.ends_at)
        .unwrap_or(last_seen + DurationMs::from_mins(5));
    let mut value = json!({
        "labels": pairs(&content.labels),
        "annotations": pairs(&content.annotations),
        "startsAt": content.starts_at.to_string(),
        "endsAt": ends_at.to_string(),
        "updatedAt": last_seen.to_string(),
        "fingerprint": alert.key,
        "receivers": receivers(data),
        "status": {
            "state": if is_suppressed(alert) { "suppressed" } else { "active" },
            "silencedBy": [],
            "inhibitedBy": [],
            "mutedBy": [],
        },
    });
    if let Some(link) = content.links.iter().find(|link| link.text == GENERATOR) {
        value["generatorURL"] = Value::from(link.href.as_str());
    }
    value
}

fn pairs(labels: &Labels) -> Value {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

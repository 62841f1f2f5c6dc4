//! Alerts in the fields that Alerta sends, so that what was made for Alerta's alerts at Opsgenie works for ours (A15, A18).
//!
//! Source: the payload in "Alerta and OpsGenie Edge Connector", and the plugin `alerta_opsgenie.py` of alerta-contrib, read
//! 2026-11. The plugin sends `duplicateCount` as a number; Opsgenie's details are texts, and so is ours.

use model::{Alert, Severity};
use serde_json::{Value, json};
use wire::text::{cut_chars, one_line};

use super::form::{Form, Preset};
use super::render::{ENTITY_CHARS_MAX, Shown, fit_details, fit_tags};
use crate::kit::{Task, words};

/// Alerta's words where the alert's labels have them, otherwise ours.
struct Alerta {
    severity: String,
    text: String,
    environment: String,
    services: Vec<String>,
    group: String,
}

impl Alerta {
    fn of(alert: &Alert) -> Alerta {
        let content = &alert.content;
        let label = |names: &[&str]| {
            let found = names.iter().find_map(|name| content.labels.get(name));
            one_line(found.unwrap_or_default())
        };
        let native = alert.model_state.as_ref();
        let native = native.and_then(|state| state["severity"].as_str());
        let severity = match alert.severity() {
            Severity::Info => "informational",
            other => other.as_str(),
        };
        let text = one_line(&content.text);
        Alerta {
            severity: native.map_or_else(|| severity.to_owned(), one_line),
            text: if text.is_empty() {
                words::title(alert)
            } else {
                text
            },
            environment: label(&["environment", "env"]),
            services: label(&["service", "services"])
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect(),
            group: label(&["group"]),
        }
    }
}

/// The message, not yet cut.
pub fn message(alert: &Alert, preset: Preset) -> String {
    let Alerta {
        severity,
        text,
        environment,
        ..
    } = Alerta::of(alert);
    match preset {
        Preset::AlertaPlugin => format!("[ {environment} ]: {severity}: {text}"),
        Preset::Alerta | Preset::Campanile => {
            let value = alert.content.value.as_deref().map(one_line);
            format!("{severity}: {text} -> {}", value.unwrap_or_default())
        }
    }
}

/// The body of a create.
pub fn create(task: &Task<'_>, form: &Form, alias: &str, shown: &Shown) -> Value {
    let alert = task.alert;
    let content = &alert.content;
    let alerta = Alerta::of(alert);
    let services = alerta.services.join("-");
    let entity = match form.preset {
        Preset::AlertaPlugin => alerta.environment.clone(),
        Preset::Alerta | Preset::Campanile => format!("{services}-{}", alerta.environment),
    };
    let tags = [&alerta.environment, &content.resource]
        .into_iter()
        .chain(&alerta.services)
        .chain([&content.event])
        .chain(&form.tags);
    let url = words::alert_url(task.external_url, alert);
    let services = alerta.services.join(", ");
    let details = [
        ("web_url", url.as_str()),
        ("service", &services),
        ("origin", task.source),
        ("event", &content.event),
        ("group", &alerta.group),
        // It is new there: worse than nothing known.
        ("trendIndication", "moreSevere"),
        ("severity", &alerta.severity),
        ("previousSeverity", "indeterminate"),
        ("duplicateCount", "0"),
    ];
    json!({
        "alias": alias,
        "message": shown.message,
        "entity": cut_chars(&entity, ENTITY_CHARS_MAX),
        "responders": form.responders,
        "tags": fit_tags(tags.map(String::as_str)),
        "source": form.source,
        "details": fit_details(details.into_iter()),
    })
}

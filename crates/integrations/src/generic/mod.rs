//! The hub's own way in: a JSON signal, several of them, or any JSON with a `map` that says where things stand in it.

mod mapping;
mod signal_json;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use http::{HeaderMap, Method};
use model::limits::SIGNALS_PER_REQUEST_MAX;
use model::{AlertId, DurationMs, Secret, Signal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::signatures::verify_standard_webhook;

use crate::kit::{
    Accepted, Answer, Dialect, DialectManifest, Inbound, Rejection, SecretText, SettingsError,
    SettingsMap, SignalOutcome, SourceDefaults, SourceSettings, Span, fit, parse_settings,
    standard_secret,
};
use mapping::{Map, MapSettings};

/// The dialect `generic`.
pub static GENERIC: Generic = Generic;

/// Longest message id taken from a header: UUIDs and the usual prefixed ids fit many times.
const MESSAGE_ID_BYTES_MAX: usize = 256;

static MANIFEST: DialectManifest = DialectManifest {
    name: "generic",
    vendor: "campanile",
    title: "JSON (generic)",
    about: "Takes the hub's own JSON from scripts and programs, or any JSON webhook with a map of where its fields stand.",
    docs: "The hub's own format, described on the source's reference page",
    setup: &[
        "POST JSON to {url}: `{\"title\": \"Backup failed\", \"resource\": \"db-1\", \"severity\": \"critical\"}` opens an alert.",
        "The same with `\"status\": \"resolved\"` closes it. An array, or `{\"signals\": [...]}`, sends several.",
        "For a program with a JSON of its own, set `map`: for each field a JSON pointer such as `/alert/name`, or a template such as `{{check.name}} on {{host}}`.",
        "To have bodies verified, set `secret` and sign them as Standard Webhooks describes.",
    ],
    schema: || schemars::schema_for!(GenericSettings),
};

/// Settings of a `generic` source.
#[derive(Deserialize, JsonSchema)]
struct GenericSettings {
    /// Where the fields of a foreign JSON stand. Without it the body is the hub's own JSON.
    #[serde(default)]
    map: Option<MapSettings>,
    /// Bodies must be signed with it as Standard Webhooks describes: `whsec_` and base64, or any text.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    secret: Option<SecretText>,
    /// A second secret that is accepted too, while senders change from one to the other.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    secret_next: Option<SecretText>,
    /// A problem whose sender says neither `ends_at` nor `resolve_timeout` is resolved after so long a silence. Without it, it stays until it is resolved.
    #[serde(default)]
    resolve_timeout: Option<Span>,
    /// A fire within this time after closing reopens the alert instead of beginning a new one.
    #[serde(default = "zero")]
    reopen_window: Span,
    /// Changed values are told at most once in this time.
    #[serde(default = "one_minute")]
    update_interval: Span,
}

fn zero() -> Span {
    Span(DurationMs::ZERO)
}

fn one_minute() -> Span {
    Span(DurationMs::from_mins(1))
}

/// What decoding needs of the settings.
struct Own {
    map: Option<Map>,
    secrets: Vec<Secret>,
    resolve_timeout: Option<DurationMs>,
}

/// The dialect itself.
pub struct Generic;

impl Dialect for Generic {
    fn manifest(&self) -> &'static DialectManifest {
        &MANIFEST
    }

    fn settings(&self, settings: &SettingsMap) -> Result<SourceSettings, Vec<SettingsError>> {
        let settings: GenericSettings = parse_settings(settings)?;
        let mut errors = Vec::new();
        let map = settings
            .map
            .map(Map::compile)
            .and_then(|map| map.map_err(|e| errors.extend(e)).ok());
        let mut secrets = Vec::new();
        for (field, secret) in [
            ("secret", settings.secret),
            ("secret_next", settings.secret_next),
        ] {
            match secret.map(|text| standard_secret(field, &text)) {
                Some(Ok(secret)) => secrets.push(secret),
                Some(Err(error)) => errors.push(error),
                None => {}
            }
        }
        if settings.resolve_timeout.is_some_and(|span| span.0.0 < 1000) {
            errors.push(SettingsError::new(
                "resolve_timeout",
                "it must be at least 1s",
            ));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let defaults = SourceDefaults::default();
        Ok(SourceSettings {
            defaults: SourceDefaults {
                reopen_window: settings.reopen_window.0,
                live_after_close: defaults.live_after_close.max(settings.reopen_window.0),
                update_interval: settings.update_interval.0,
                ..defaults
            },
            own: Box::new(Own {
                map,
                secrets,
                resolve_timeout: settings.resolve_timeout.map(|span| span.0),
            }),
        })
    }

    fn accept(&self, inbound: &Inbound<'_>, settings: &SourceSettings) -> Accepted {
        let Some(own) = settings.own.downcast_ref::<Own>() else {
            return refused(
                500,
                "the source's settings belong to another dialect: this is a fault of the hub",
            );
        };
        if inbound.method != Method::POST && inbound.method != Method::PUT {
            return Accepted::Refused(
                error_answer(405, "send JSON with POST").header("allow", "POST, PUT"),
            );
        }
        if let Err(problem) = verify(inbound, &own.secrets) {
            return refused(401, &problem);
        }
        let body: Value = match serde_json::from_slice(inbound.body) {
            Ok(body) => body,
            Err(error) => return refused(400, &format!("the body is not JSON: {error}")),
        };
        let items = match &own.map {
            Some(map) => map.items(&body),
            None => signal_json::items(&body),
        };
        if items.len() > SIGNALS_PER_REQUEST_MAX {
            let problem = format!(
                "more than {SIGNALS_PER_REQUEST_MAX} signals in one request: send smaller batches"
            );
            return refused(400, &problem);
        }
        decode(&items, &body, inbound, own)
    }

    fn answer(
        &self,
        _: &Inbound<'_>,
        outcomes: &[SignalOutcome],
        rejections: &[Rejection],
    ) -> Answer {
        answer(outcomes, rejections)
    }

    fn unauthorized(&self) -> Answer {
        error_answer(
            401,
            "unknown or missing key: give it in the path, or as Bearer token",
        )
        .header("www-authenticate", "Bearer")
    }

    fn busy(&self, retry_after: DurationMs) -> Answer {
        let seconds = (retry_after.0.max(0) + 999) / 1000;
        error_answer(503, "the hub cannot take signals now, try again")
            .header("retry-after", seconds.max(1).to_string())
    }

    fn too_large(&self, limit_bytes: usize) -> Answer {
        error_answer(
            413,
            &format!("the body is larger than {limit_bytes} bytes: send smaller batches"),
        )
    }
}

fn decode(items: &[&Value], body: &Value, inbound: &Inbound<'_>, own: &Own) -> Accepted {
    let message_id = message_id(inbound.headers);
    let mut signals: Vec<Signal> = Vec::with_capacity(items.len());
    let mut rejections = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let read = match &own.map {
            Some(map) => map.apply(item, body).and_then(|mapped| {
                signal_json::read(&mapped, inbound.received_at, own.resolve_timeout)
            }),
            None => signal_json::read(item, inbound.received_at, own.resolve_timeout),
        };
        match read.and_then(fit) {
            Ok(mut signal) => {
                // The header names the whole message; its parts need ids of their own.
                let given = message_id.map(|id| {
                    if items.len() == 1 {
                        id.to_owned()
                    } else {
                        format!("{id}#{index}")
                    }
                });
                signal.message_id = signal.message_id.or(given);
                signals.push(signal);
            }
            Err(problem) => rejections.push(Rejection { index, problem }),
        }
    }
    Accepted::Signals {
        signals,
        rejections,
    }
}

fn message_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("webhook-id")?.to_str().ok()?.trim();
    (!id.is_empty() && id.len() <= MESSAGE_ID_BYTES_MAX).then_some(id)
}

/// Standard Webhooks' signature, if the source has a secret.
fn verify(inbound: &Inbound<'_>, secrets: &[Secret]) -> Result<(), String> {
    if secrets.is_empty() {
        return Ok(());
    }
    let header = |name: &str| {
        inbound
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let (id, timestamp, signature) = (
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
    );
    verify_standard_webhook(
        secrets,
        id,
        timestamp,
        signature,
        inbound.body,
        inbound.received_at,
    )
    .map_err(|error| error.to_string())
}

/// 200 if anything of the request was taken (or it was empty), 400 if nothing was. `index` counts from 0 in what
/// was sent.
fn answer(outcomes: &[SignalOutcome], rejections: &[Rejection]) -> Answer {
    let mut errors: Vec<(usize, &str)> = rejections
        .iter()
        .map(|r| (r.index, r.problem.as_str()))
        .collect();
    let mut results = Vec::new();
    // Outcomes come for the signals alone, in their order: their places are those that no rejection has.
    let rejected: HashSet<usize> = rejections.iter().map(|r| r.index).collect();
    let mut places = (0..).filter(|index| !rejected.contains(index));
    for outcome in outcomes {
        let index = places.next().unwrap_or_default();
        let (word, alert, reason) = match outcome {
            SignalOutcome::Opened(id) => ("opened", Some(*id), None),
            SignalOutcome::Changed(id) => ("changed", Some(*id), None),
            SignalOutcome::Repeated(id) => ("repeated", Some(*id), None),
            SignalOutcome::Ignored(reason) => ("ignored", None, Some(reason)),
            SignalOutcome::Refused(problem) => {
                errors.push((index, problem));
                continue;
            }
        };
        let alert = alert.map(|id: AlertId| id.to_string());
        results.push(json!({ "index": index, "outcome": word, "alert": alert, "reason": reason }));
    }
    errors.sort_by_key(|(index, _)| *index);
    let status = if results.is_empty() && !errors.is_empty() {
        400
    } else {
        200
    };
    let errors: Vec<Value> = errors
        .iter()
        .map(|(index, problem)| json!({ "index": index, "problem": problem }))
        .collect();
    Answer::json(
        status,
        &json!({ "accepted": results.len(), "results": results, "errors": errors }),
    )
}

/// The same shape when nothing could be read.
fn error_answer(status: u16, problem: &str) -> Answer {
    let errors = json!([{ "index": null, "problem": problem }]);
    Answer::json(
        status,
        &json!({ "accepted": 0, "results": [], "errors": errors }),
    )
}

fn refused(status: u16, problem: &str) -> Accepted {
    Accepted::Refused(error_answer(status, problem))
}

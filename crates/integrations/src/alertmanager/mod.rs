//! Alertmanager's API v2, the half that senders use: posting alerts, and reading alerts, status and receivers.
//!
//! Behaviour: Alertmanager 0.25.0 as observed (Debian's build, 2026-11), and its `openapi.yaml`. On purpose different:
//! one alert of a wrong type spoils only itself, where the original refuses the whole batch.

mod batch;
#[cfg(test)]
mod batch_tests;
mod decode;
mod filter;
mod fingerprint;
mod frame;
mod read;
#[cfg(test)]
mod tests;

use http::Method;
use model::{DurationMs, limits};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kit::{
    Accepted, AlertmanagerRead, Answer, Dialect, DialectManifest, Inbound, ReadData, ReadWant,
    Rejection, SettingsError, SettingsMap, SignalOutcome, SourceDefaults, SourceSettings, Span,
    parse_settings,
};

/// The dialect `alertmanager`.
pub static ALERTMANAGER: Alertmanager = Alertmanager;

/// Problems told to a sender in one answer.
const PROBLEMS_SHOWN_MAX: usize = 20;

static MANIFEST: DialectManifest = DialectManifest {
    name: "alertmanager",
    vendor: "prometheus",
    title: "Prometheus (Alertmanager API)",
    about: "Takes alerts from Prometheus, Thanos, Loki, Mimir, vmalert, Grafana and everything else that posts to an Alertmanager.",
    docs: "https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml (read 2026-11)",
    setup: &[
        "In prometheus.yml, under `alerting.alertmanagers`, set this hub's host and port as a target and `path_prefix` to the path of {url}.",
        "Or keep the key out of the path: `path_prefix: /alertmanager`, and the key as `authorization.credentials` or as the password of `basic_auth`.",
        "Reload Prometheus; firing alerts arrive within a minute.",
    ],
    schema: || schemars::schema_for!(AlertmanagerSettings),
};

/// Settings of an `alertmanager` source.
#[derive(Deserialize, JsonSchema)]
struct AlertmanagerSettings {
    /// An alert without an end is resolved when its sender has been silent for so long.
    #[serde(default = "five_minutes")]
    resolve_timeout: Span,
    /// A fire within this time after closing reopens the alert instead of beginning a new one.
    #[serde(default = "zero")]
    reopen_window: Span,
    /// Changed values are told at most once in this time.
    #[serde(default = "one_minute")]
    update_interval: Span,
}

fn five_minutes() -> Span {
    Span(DurationMs::from_mins(5))
}

fn one_minute() -> Span {
    Span(DurationMs::from_mins(1))
}

fn zero() -> Span {
    Span(DurationMs::ZERO)
}

/// What decoding needs of the settings.
struct Own {
    resolve_timeout: DurationMs,
}

/// The dialect itself.
pub struct Alertmanager;

impl Dialect for Alertmanager {
    fn manifest(&self) -> &'static DialectManifest {
        &MANIFEST
    }

    fn settings(&self, settings: &SettingsMap) -> Result<SourceSettings, Vec<SettingsError>> {
        let settings: AlertmanagerSettings = parse_settings(settings)?;
        if settings.resolve_timeout.0.0 < 1000 {
            return Err(vec![SettingsError::new(
                "resolve_timeout",
                "it must be at least 1s",
            )]);
        }
        let defaults = SourceDefaults::default();
        Ok(SourceSettings {
            defaults: SourceDefaults {
                reopen_window: settings.reopen_window.0,
                // Two Prometheus replicas: one resolves, the other still fires the same episode.
                reopen_same_start: true,
                // Prometheus repeats a resolved alert for a quarter of an hour.
                live_after_close: defaults.live_after_close.max(settings.reopen_window.0),
                update_interval: settings.update_interval.0,
                ..defaults
            },
            own: Box::new(Own {
                resolve_timeout: settings.resolve_timeout.0,
            }),
        })
    }

    fn accept(&self, inbound: &Inbound<'_>, settings: &SourceSettings) -> Accepted {
        let timeout = settings
            .own
            .downcast_ref::<Own>()
            .map_or(five_minutes().0, |own| own.resolve_timeout);
        match (inbound.method, inbound.path.trim_end_matches('/')) {
            (&Method::POST, "/api/v2/alerts") => alerts(inbound, timeout),
            (&Method::GET | &Method::HEAD, path) => read(path, inbound.query),
            (_, "/api/v1/alerts") => Accepted::Refused(gone()),
            (method, path @ ("/api/v2/alerts" | "/api/v2/status" | "/api/v2/receivers")) => {
                let allowed = if path == "/api/v2/alerts" {
                    "GET,POST"
                } else {
                    "GET"
                };
                let message = format!("method {method} is not allowed, but [{allowed}] are");
                let answer = Answer::json(405, &json!({ "code": 405, "message": message }));
                Accepted::Refused(answer.header("allow", allowed))
            }
            (_, path) => Accepted::Refused(not_found(path)),
        }
    }

    fn answer(
        &self,
        _: &Inbound<'_>,
        outcomes: &[SignalOutcome],
        rejections: &[Rejection],
    ) -> Answer {
        let refused = outcomes.iter().filter_map(|outcome| match outcome {
            SignalOutcome::Refused(reason) => Some(reason.as_str()),
            _ => None,
        });
        let problems: Vec<&str> = rejections
            .iter()
            .map(|r| r.problem.as_str())
            .chain(refused)
            .collect();
        if problems.is_empty() {
            return Answer::empty(200);
        }
        let mut text = problems
            .iter()
            .take(PROBLEMS_SHOWN_MAX)
            .copied()
            .collect::<Vec<_>>()
            .join("; ");
        if problems.len() > PROBLEMS_SHOWN_MAX {
            text.push_str(&format!(
                "; and {} more",
                problems.len() - PROBLEMS_SHOWN_MAX
            ));
        }
        problem_answer(400, &text)
    }

    fn render(&self, want: &ReadWant, data: &ReadData<'_>) -> Answer {
        let ReadWant::Alertmanager(want) = want;
        read::render(want, data)
    }

    fn unauthorized(&self) -> Answer {
        problem_answer(
            401,
            "unknown or missing key: give it in the path, or as Bearer token or Basic password",
        )
        .header("www-authenticate", "Basic realm=\"campanile\"")
    }

    /// Clients try again only after 5xx; 429 would drop the alerts (wire facts §12).
    fn busy(&self, retry_after: DurationMs) -> Answer {
        let seconds = (retry_after.0.max(0) + 999) / 1000;
        problem_answer(503, "the hub cannot take alerts now, try again")
            .header("retry-after", seconds.max(1).to_string())
    }

    fn too_large(&self, limit_bytes: usize) -> Answer {
        problem_answer(
            413,
            &format!("the body is larger than {limit_bytes} bytes: send smaller batches"),
        )
    }
}

/// Posted alerts: undecoded, if they look as usual.
fn alerts(inbound: &Inbound<'_>, resolve_timeout: DurationMs) -> Accepted {
    let (body, now) = (inbound.body, inbound.received_at);
    if let Some(batch) = batch::Alerts::find(body, now, resolve_timeout) {
        return Accepted::Batch(Box::new(batch));
    }
    match decode::decode(body, now, resolve_timeout) {
        Ok((signals, rejections)) => Accepted::Signals {
            signals,
            rejections,
        },
        Err(problem) => Accepted::Refused(problem_answer(400, &problem)),
    }
}

fn read(path: &str, query: &str) -> Accepted {
    match path {
        "/-/healthy" | "/-/ready" => Accepted::Refused(Answer::text(200, "OK")),
        "/api/v2/status" => Accepted::Read(ReadWant::Alertmanager(AlertmanagerRead::Status)),
        "/api/v2/receivers" => Accepted::Read(ReadWant::Alertmanager(AlertmanagerRead::Receivers)),
        "/api/v2/alerts" => match read::alerts_query(query) {
            Ok(want) => Accepted::Read(ReadWant::Alertmanager(want)),
            Err(problem) => Accepted::Refused(problem_answer(400, &problem)),
        },
        "/api/v1/alerts" => Accepted::Refused(gone()),
        path => Accepted::Refused(not_found(path)),
    }
}

/// Errors are a bare JSON string.
fn problem_answer(status: u16, problem: &str) -> Answer {
    Answer::json(status, &Value::from(problem))
}

fn not_found(path: &str) -> Answer {
    if !path.starts_with("/api/") {
        return Answer::text(404, "404 page not found\n");
    }
    let path = wire::text::cut_chars(path, limits::EXCERPT_CHARS_MAX);
    Answer::json(
        404,
        &json!({ "code": 404, "message": format!("path {path} was not found") }),
    )
}

/// The API v1 left Alertmanager with its version 0.27; newer ones answer 410.
fn gone() -> Answer {
    let error = "the Alertmanager API v1 is no longer served: use /api/v2/alerts";
    Answer::json(410, &json!({ "status": "deprecated", "error": error }))
}

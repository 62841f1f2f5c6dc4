//! Alertmanager's API v2: alerts, groups, receivers, silences, status.
//!
//! Behaviour: Alertmanager 0.25.0 as observed (Debian's build, 2026-11), and its `openapi.yaml`. What is different on
//! purpose stands in `docs/alertmanager.md` and in the table of `campanile/tests/clients`, which holds the rest to be equal.

mod answers;
mod batch;
#[cfg(test)]
mod batch_tests;
mod config;
mod decode;
mod filter;
mod fingerprint;
mod frame;
mod goregex;
mod groups;
mod query;
mod read;
mod silences;
#[cfg(test)]
mod silences_tests;
mod statement;
#[cfg(test)]
mod tests;

use http::Method;
use model::DurationMs;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use decode::time;
pub(crate) use statement::{Statement, fingerprint_of};

use crate::kit::{
    Accepted, AlertmanagerRead, Answer, Dialect, DialectManifest, Inbound, ReadData, ReadWant,
    Rejection, SettingsError, SettingsMap, SignalOutcome, SilenceCommand, SilenceOutcome,
    SourceDefaults, SourceSettings, Span, parse_settings,
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
                reopen_begun_before: true,
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
        let get = || inbound.method == Method::GET;
        match Address::of(inbound.path) {
            None => other(inbound),
            Some(address) => match refusal(inbound, &address) {
                Some(answer) => Accepted::Refused(answer),
                None => match address {
                    Address::Alerts if get() => question(query::alerts(inbound.query)),
                    Address::Alerts => alerts(inbound, timeout),
                    Address::Groups => question(query::groups(inbound.query)),
                    Address::Receivers => question(Ok(AlertmanagerRead::Receivers)),
                    Address::Status => question(Ok(AlertmanagerRead::Status)),
                    Address::Silences if get() => question(query::silences(inbound.query)),
                    Address::Silences => silences::put(inbound.body, inbound.received_at),
                    Address::Silence(id) => match silences::id(id) {
                        Err(answer) => Accepted::Refused(answer),
                        Ok(id) if get() => question(Ok(AlertmanagerRead::Silence(id))),
                        Ok(id) => Accepted::Silence(SilenceCommand::Expire(id)),
                    },
                },
            },
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
        answers::problem(400, &text)
    }

    fn render(&self, want: &ReadWant, data: &ReadData<'_>) -> Answer {
        let ReadWant::Alertmanager(want) = want;
        read::render(want, data)
    }

    fn silenced(&self, command: &SilenceCommand, outcome: &SilenceOutcome) -> Answer {
        silences::answer(command, outcome)
    }

    fn unauthorized(&self) -> Answer {
        answers::problem(
            401,
            "unknown or missing key: give it in the path, or as Bearer token or Basic password",
        )
        .header("www-authenticate", "Basic realm=\"campanile\"")
    }

    /// Clients try again only after 5xx; 429 would drop the alerts (wire facts §12).
    fn busy(&self, retry_after: DurationMs) -> Answer {
        let seconds = (retry_after.0.max(0) + 999) / 1000;
        answers::problem(503, "the hub cannot take alerts now, try again")
            .header("retry-after", seconds.max(1).to_string())
    }

    fn too_large(&self, limit_bytes: usize) -> Answer {
        answers::problem(
            413,
            &format!("the body is larger than {limit_bytes} bytes: send smaller batches"),
        )
    }
}

/// A place of the API.
enum Address<'a> {
    Alerts,
    Groups,
    Receivers,
    Status,
    Silences,
    Silence(&'a str),
}

impl Address<'_> {
    fn of(path: &str) -> Option<Address<'_>> {
        Some(match path.strip_prefix("/api/v2/")?.trim_end_matches('/') {
            "alerts" => Address::Alerts,
            "alerts/groups" => Address::Groups,
            "receivers" => Address::Receivers,
            "status" => Address::Status,
            "silences" => Address::Silences,
            rest => Address::Silence(
                rest.strip_prefix("silence/")
                    .filter(|id| !id.is_empty() && !id.contains('/'))?,
            ),
        })
    }

    /// The methods that it takes, as Alertmanager lists them.
    fn methods(&self) -> &'static str {
        match self {
            Address::Alerts => "GET,POST",
            Address::Silences => "POST,GET",
            Address::Silence(_) => "DELETE,GET",
            Address::Groups | Address::Receivers | Address::Status => "GET",
        }
    }
}

/// What is wrong with a request before it is looked at.
fn refusal(inbound: &Inbound<'_>, address: &Address<'_>) -> Option<Answer> {
    let allowed = address.methods();
    if !allowed
        .split(',')
        .any(|method| method == inbound.method.as_str())
    {
        return Some(answers::method_not_allowed(inbound.method, allowed));
    }
    let wrong_type = match *inbound.method {
        Method::POST => answers::wrong_type(inbound.headers),
        _ => None,
    };
    wrong_type.or_else(|| (!answers::takes_json(inbound.headers)).then(answers::not_acceptable))
}

/// What is not of the API v2.
fn other(inbound: &Inbound<'_>) -> Accepted {
    let is_get = matches!(*inbound.method, Method::GET | Method::HEAD);
    Accepted::Refused(match inbound.path.trim_end_matches('/') {
        "/-/healthy" | "/-/ready" if is_get => Answer::text(200, "OK"),
        "/-/healthy" | "/-/ready" => {
            Answer::text(405, "Method Not Allowed\n").header("allow", "GET, HEAD, OPTIONS")
        }
        "/api/v1/alerts" => answers::gone(),
        _ => answers::not_found(inbound.path),
    })
}

fn question(want: Result<AlertmanagerRead, String>) -> Accepted {
    match want {
        Ok(want) => Accepted::Read(ReadWant::Alertmanager(want)),
        Err(problem) => Accepted::Refused(answers::problem(400, &problem)),
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
        Err(answer) => Accepted::Refused(answer),
    }
}

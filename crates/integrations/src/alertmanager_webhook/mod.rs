//! Alertmanager's webhook (version 4 of its body): an Alertmanager in front of the hub that forwards what it notifies of.
//!
//! The body speaks of a group, whose status is `firing` while any of its alerts is; each alert has its own, and only that
//! counts. Alertmanager tries again only after 5xx and drops what was answered with anything else, so only a hub that
//! cannot take it now answers so (wire facts §12).

#[cfg(test)]
mod tests;

use http::Method;
use model::limits::{KEY_BYTES_MAX, SIGNALS_PER_REQUEST_MAX};
use model::{DurationMs, Labels, Signal, SignalKind, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::alertmanager::{Statement, fingerprint_of, time};
use crate::kit::{
    Accepted, Answer, Dialect, DialectManifest, Inbound, Rejection, SettingsError, SettingsMap,
    SignalOutcome, SourceDefaults, SourceSettings, Span, parse_settings,
};

/// The dialect `alertmanager_webhook`.
pub static ALERTMANAGER_WEBHOOK: AlertmanagerWebhook = AlertmanagerWebhook;

/// Problems told to a sender in one answer.
const PROBLEMS_SHOWN_MAX: usize = 20;

static MANIFEST: DialectManifest = DialectManifest {
    name: "alertmanager_webhook",
    vendor: "prometheus",
    title: "Alertmanager (webhook)",
    about: "Takes what an Alertmanager that you keep tells its webhook receivers.",
    docs: "https://prometheus.io/docs/alerting/latest/configuration/#webhook_config (read 2026-11)",
    setup: &[
        "In alertmanager.yml, give a receiver `webhook_configs: [{url: '{url}', send_resolved: true}]`; leave `max_alerts` at 0, so that no alert is left out, and `payload` unset.",
        "Or keep the key out of the address: `url: …/in/alertmanager_webhook`, and the key as `http_config.authorization.credentials`.",
        "Route to that receiver what the hub should know, and reload Alertmanager.",
    ],
    schema: || schemars::schema_for!(WebhookSettings),
};

/// Settings of an `alertmanager_webhook` source.
#[derive(Deserialize, JsonSchema)]
struct WebhookSettings {
    /// A problem that has not been repeated for so long is resolved. More than Alertmanager's `repeat_interval`; without it, a problem stays until Alertmanager says that it is over.
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
    resolve_timeout: Option<DurationMs>,
}

/// The dialect itself.
pub struct AlertmanagerWebhook;

impl Dialect for AlertmanagerWebhook {
    fn manifest(&self) -> &'static DialectManifest {
        &MANIFEST
    }

    fn settings(&self, settings: &SettingsMap) -> Result<SourceSettings, Vec<SettingsError>> {
        let settings: WebhookSettings = parse_settings(settings)?;
        let resolve_timeout = settings.resolve_timeout.map(|span| span.0);
        if resolve_timeout.is_some_and(|timeout| timeout.0 < 1000) {
            return Err(vec![SettingsError::new(
                "resolve_timeout",
                "it must be at least 1s",
            )]);
        }
        let defaults = SourceDefaults::default();
        Ok(SourceSettings {
            defaults: SourceDefaults {
                reopen_window: settings.reopen_window.0,
                // Two Alertmanagers of a cluster may both tell, one later than the other.
                reopen_begun_before: true,
                live_after_close: defaults.live_after_close.max(settings.reopen_window.0),
                update_interval: settings.update_interval.0,
                ..defaults
            },
            own: Box::new(Own { resolve_timeout }),
        })
    }

    fn accept(&self, inbound: &Inbound<'_>, settings: &SourceSettings) -> Accepted {
        if !inbound.path.trim_end_matches('/').is_empty() {
            return Accepted::Refused(Answer::text(404, "there is nothing below this address"));
        }
        if inbound.method != Method::POST {
            let answer = Answer::text(405, "Alertmanager's webhook posts to this address");
            return Accepted::Refused(answer.header("allow", "POST"));
        }
        let own = settings.own.downcast_ref::<Own>();
        let timeout = own.and_then(|own| own.resolve_timeout);
        match decode(inbound.body, inbound.received_at, timeout) {
            Ok((signals, rejections)) => Accepted::Signals {
                signals,
                rejections,
            },
            Err(problem) => Accepted::Refused(Answer::text(400, problem)),
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
        let shown = problems.iter().take(PROBLEMS_SHOWN_MAX).copied();
        let mut text = shown.collect::<Vec<_>>().join("; ");
        if problems.len() > PROBLEMS_SHOWN_MAX {
            let more = problems.len() - PROBLEMS_SHOWN_MAX;
            text.push_str(&format!("; and {more} more"));
        }
        Answer::text(400, text)
    }

    fn unauthorized(&self) -> Answer {
        let text =
            "unknown or missing key: give it in the address, or as Bearer token or Basic password";
        Answer::text(401, text).header("www-authenticate", "Bearer")
    }

    fn busy(&self, retry_after: DurationMs) -> Answer {
        let seconds = (retry_after.0.max(0) + 999) / 1000;
        Answer::text(503, "the hub cannot take alerts now, try again")
            .header("retry-after", seconds.max(1).to_string())
    }

    fn too_large(&self, limit_bytes: usize) -> Answer {
        let text = format!("the body is larger than {limit_bytes} bytes: group by more labels");
        Answer::text(413, text)
    }
}

/// The body. What is not named here says nothing that the alerts do not.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    group_key: Option<String>,
    #[serde(borrow)]
    alerts: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    status: String,
    labels: Labels,
    #[serde(default)]
    annotations: Option<Labels>,
    #[serde(default)]
    starts_at: Option<String>,
    #[serde(default)]
    ends_at: Option<String>,
    #[serde(default, rename = "generatorURL")]
    generator_url: Option<String>,
    #[serde(default)]
    fingerprint: Option<String>,
}

fn decode(
    body: &[u8],
    now: Timestamp,
    resolve_timeout: Option<DurationMs>,
) -> Result<(Vec<Signal>, Vec<Rejection>), String> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| {
        format!("this is not the body of Alertmanager's webhook (leave `payload` unset): {error}")
    })?;
    if let Some(version) = body.version.filter(|version| version != "4") {
        let version = wire::text::cut_chars(&version, 20).into_owned();
        return Err(format!(
            "the body is of version {version}; only version 4 is known"
        ));
    }
    if body.alerts.len() > SIGNALS_PER_REQUEST_MAX {
        return Err(format!(
            "more than {SIGNALS_PER_REQUEST_MAX} alerts in one group: group by more labels"
        ));
    }
    let group_key = body.group_key.filter(|key| key.len() <= KEY_BYTES_MAX);
    let mut signals = Vec::with_capacity(body.alerts.len());
    let mut rejections = Vec::new();
    for (index, raw) in body.alerts.into_iter().enumerate() {
        let posted = serde_json::from_str(raw.get()).map_err(|error| error.to_string());
        match posted.and_then(|posted| signal(posted, now, resolve_timeout)) {
            Ok(signal) => signals.push(Signal {
                group_key: group_key.clone(),
                ..signal
            }),
            Err(problem) => rejections.push(Rejection {
                index,
                problem: format!("alert {index}: {problem}"),
            }),
        }
    }
    Ok((signals, rejections))
}

fn signal(
    posted: Posted,
    now: Timestamp,
    resolve_timeout: Option<DurationMs>,
) -> Result<Signal, String> {
    let kind = match posted.status.as_str() {
        "firing" => SignalKind::Fire,
        "resolved" => SignalKind::Resolve,
        other => {
            let other = wire::text::cut_chars(other, 40);
            return Err(format!(
                "the status {other:?} is neither firing nor resolved"
            ));
        }
    };
    let read = |text: Option<String>| text.map_or(Ok(None), |text| time(&text));
    let (starts_at, ends_at) = (read(posted.starts_at)?, read(posted.ends_at)?);
    let is_key = |key: &String| key.len() == 16 && key.bytes().all(|b| b.is_ascii_hexdigit());
    Statement {
        key: posted
            .fingerprint
            .filter(is_key)
            .unwrap_or_else(|| fingerprint_of(&posted.labels)),
        // A firing alert has no end here: Alertmanager says when it is over.
        ends_at: match kind {
            SignalKind::Resolve => Some(ends_at.unwrap_or(now)),
            _ => resolve_timeout.map(|timeout| now + timeout),
        },
        kind,
        labels: posted.labels,
        annotations: posted.annotations.unwrap_or_default(),
        starts_at,
        generator: posted.generator_url,
    }
    .signal()
}

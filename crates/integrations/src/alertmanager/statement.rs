//! What Prometheus' alerts mean to the hub, whichever way they came.

use model::{Labels, Link, Severity, Signal, SignalKind, Timestamp};

use super::fingerprint::fingerprint;
use crate::kit::{address, fit};

/// The words of the link to the sender's own page; reading alerts finds it by them.
pub const GENERATOR: &str = "Source";

/// One alert as it was told.
pub struct Statement {
    /// Its fingerprint.
    pub key: String,
    pub kind: SignalKind,
    pub labels: Labels,
    pub annotations: Labels,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    /// The address of the page that explains it.
    pub generator: Option<String>,
}

/// The fingerprint of labels, as Alertmanager shows it.
pub fn fingerprint_of(labels: &Labels) -> String {
    format!("{:016x}", fingerprint(labels.iter()))
}

impl Statement {
    /// The signal, or what about it does not fit.
    pub fn signal(self) -> Result<Signal, String> {
        let (labels, annotations) = (self.labels, self.annotations);
        let first = |from: &Labels, names: &[&str]| {
            names
                .iter()
                .find_map(|name| from.get(name).filter(|v| !v.is_empty()))
                .unwrap_or_default()
                .to_owned()
        };
        let event = first(&labels, &["alertname"]);
        let title = first(&annotations, &["summary", "title"]);
        let places = [
            "instance", "node", "host", "hostname", "pod", "service", "job",
        ];
        let fitted = fit(Signal {
            key: self.key,
            kind: self.kind,
            severity: labels.get("severity").and_then(Severity::from_common_word),
            resource: first(&labels, &places),
            title: if title.is_empty() {
                event.clone()
            } else {
                title
            },
            event,
            text: first(&annotations, &["description", "message"]),
            value: annotations.get("value").map(str::to_owned),
            links: links(self.generator.as_deref(), &annotations),
            labels,
            annotations,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            ..Signal::default()
        });
        fitted.map_err(|problem| format!("an alert cannot be taken: {problem}"))
    }
}

fn links(generator: Option<&str>, annotations: &Labels) -> Vec<Link> {
    let named = [
        (GENERATOR, generator),
        (
            "Runbook",
            annotations
                .get("runbook_url")
                .or(annotations.get("runbook")),
        ),
        (
            "Dashboard",
            annotations
                .get("dashboard_url")
                .or(annotations.get("dashboard")),
        ),
    ];
    let to_link = |(text, href): (&str, Option<&str>)| {
        Some(Link {
            href: href
                .filter(|href| address::looks_like_link(href))?
                .to_owned(),
            text: text.to_owned(),
        })
    };
    named.into_iter().filter_map(to_link).collect()
}

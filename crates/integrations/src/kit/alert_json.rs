//! Alerts and events as JSON: one published form, for the webhook's body and the native API. Fields are only ever
//! added; times are RFC 3339 in UTC with milliseconds; what is not there is `null`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::{
    Alert, AlertKind, CloseReason, Event, EventKind, Labels, Link, Severity, Status, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::words;

/// An alert as programs outside see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertJson<'a> {
    /// The alert's id: one episode of one problem.
    pub id: String,
    /// What makes it the same thing as before, in its sender's words.
    pub key: Cow<'a, str>,
    /// The project's name.
    pub project: Cow<'a, str>,
    /// The name of the source whose signal opened it.
    pub source: Cow<'a, str>,
    /// `issue` (it has a lifecycle) or `notification` (a point in time).
    #[schemars(with = "String")]
    pub kind: AlertKind,
    /// `tracking`, `open`, `acknowledged`, `shelved` or `closed`.
    #[schemars(with = "String")]
    pub status: Status,
    /// `critical`, `major`, `minor`, `warning` or `info`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// One line for people.
    pub title: Cow<'a, str>,
    /// The rest for people; may be empty.
    pub text: Cow<'a, str>,
    /// The measured value as the sender showed it.
    pub value: Option<Cow<'a, str>>,
    /// What has the problem; may be empty.
    pub resource: Cow<'a, str>,
    /// Which problem; may be empty.
    pub event: Cow<'a, str>,
    #[schemars(with = "BTreeMap<String, String>")]
    pub labels: Cow<'a, Labels>,
    #[schemars(with = "BTreeMap<String, String>")]
    pub annotations: Cow<'a, Labels>,
    /// Places to look: `[{href, text}]`.
    #[schemars(with = "Vec<BTreeMap<String, String>>")]
    pub links: Cow<'a, [Link]>,
    /// When the problem began, by the sender's word or by ours.
    pub starts_at: String,
    /// When this hub opened it.
    pub opened_at: String,
    pub closed_at: Option<String>,
    /// `resolved`, `by_hand`, `cancelled`, `expired` or `informed`.
    pub closed_because: Option<Cow<'a, str>>,
    pub assignee: Option<Cow<'a, str>>,
    /// When the acknowledgement ends by itself.
    pub acked_until: Option<String>,
    /// When it comes back from the shelf.
    pub shelved_until: Option<String>,
    /// How many signals said the same, the first included; up to a second old.
    pub repeat_count: u64,
    /// 1 for the first episode, one more each time it was reopened.
    pub episode: u32,
    /// Its page in this hub.
    pub url: String,
}

/// The names that an alert's row does not carry.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    pub project: &'a str,
    pub source: &'a str,
    /// The hub's address as people reach it.
    pub external_url: &'a str,
}

impl<'a> AlertJson<'a> {
    pub fn new(alert: &'a Alert, names: Names<'a>) -> AlertJson<'a> {
        let content = &*alert.content;
        AlertJson {
            id: alert.id.to_string(),
            key: Cow::Borrowed(&alert.key),
            project: Cow::Borrowed(names.project),
            source: Cow::Borrowed(names.source),
            kind: alert.kind,
            status: alert.status,
            severity: content.severity,
            title: Cow::Borrowed(&content.title),
            text: Cow::Borrowed(&content.text),
            value: content.value.as_deref().map(Cow::Borrowed),
            resource: Cow::Borrowed(&content.resource),
            event: Cow::Borrowed(&content.event),
            labels: Cow::Borrowed(&content.labels),
            annotations: Cow::Borrowed(&content.annotations),
            links: Cow::Borrowed(&content.links),
            starts_at: content.starts_at.to_string(),
            opened_at: alert.opened_at.to_string(),
            closed_at: shown(alert.closed_at),
            closed_because: alert.closed_because.map(because),
            assignee: alert.assignee.as_deref().map(Cow::Borrowed),
            // While shelved it is kept for the way back, and may be "never".
            acked_until: shown(
                alert
                    .acked_until
                    .filter(|at| alert.status == Status::Acknowledged && *at < Timestamp::NEVER),
            ),
            shelved_until: shown(alert.shelved_until),
            repeat_count: alert.repeat_count,
            episode: alert.episode,
            url: words::alert_url(names.external_url, alert),
        }
    }
}

/// One event of an alert's log as programs outside see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventJson<'a> {
    /// Its number in the alert's log, from 1.
    pub seq: u32,
    pub at: String,
    /// `opened`, `updated`, `severity_changed`, `acknowledged` …
    #[schemars(with = "String")]
    pub kind: EventKind,
    /// The alert's status after it.
    #[schemars(with = "String")]
    pub status: Status,
    /// Who did it, and through what.
    pub by: Option<ActorJson<'a>>,
    /// The remark; of a `noted` event the note itself.
    pub note: Option<Cow<'a, str>>,
    /// `assigned`: to whom.
    pub assignee: Option<Cow<'a, str>>,
    /// `acknowledged`, `shelved`: until when, if it ends by itself.
    pub until: Option<String>,
    /// Closing events: why, in the words of `closed_because`.
    pub because: Option<Cow<'a, str>>,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActorJson<'a> {
    pub name: Cow<'a, str>,
    /// The way in: `api`, `cli`, `slack` …
    pub via: Cow<'a, str>,
}

impl<'a> EventJson<'a> {
    pub fn new(event: &'a Event) -> EventJson<'a> {
        EventJson {
            seq: event.seq,
            at: event.at.to_string(),
            kind: event.kind,
            status: event.status,
            by: event.by.as_ref().map(|by| ActorJson {
                name: Cow::Borrowed(&by.name),
                via: Cow::Borrowed(&by.via),
            }),
            note: event.note.as_deref().map(Cow::Borrowed),
            assignee: event.assignee.as_deref().map(Cow::Borrowed),
            until: shown(event.until),
            because: event.because.map(because),
        }
    }
}

fn because(reason: CloseReason) -> Cow<'static, str> {
    Cow::Borrowed(match reason {
        CloseReason::Resolved => "resolved",
        CloseReason::ByHand => "by_hand",
        CloseReason::Cancelled => "cancelled",
        CloseReason::Expired => "expired",
        CloseReason::Informed => "informed",
    })
}

fn shown(at: Option<Timestamp>) -> Option<String> {
    at.map(|t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::samples;

    #[test]
    fn the_published_form_of_an_alert_stays_as_it_is() {
        let alert = samples::alert(Status::Acknowledged);
        let names = Names {
            project: "shop",
            source: "prometheus",
            external_url: "http://hub.example/",
        };
        let json = AlertJson::new(&alert, names);
        insta::assert_json_snapshot!(json);
        let text = serde_json::to_string(&json).unwrap();
        let read: AlertJson<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, json);
    }

    #[test]
    fn the_published_form_of_an_event_stays_as_it_is() {
        let events = samples::events(&samples::alert(Status::Closed));
        let json: Vec<EventJson<'_>> = events.iter().map(EventJson::new).collect();
        insta::assert_json_snapshot!(json);
    }
}

//! The sink `victorops`: an entity for each alert at the REST endpoint of VictorOps (Splunk On-Call).

use model::{AlertKind, Event, EventKind, Outcome, Secret, Status, Told, Verb};
use serde_json::{Value, json};
use wire::http::HttpRequest;

use super::judge;
use super::kind::MANIFEST;
use super::render::{ENTITY_ID_CHARS_MAX, Kind, message};
use crate::kit::{Finish, Judge, Next, Pace, Sink, Step, Task};

/// A REST integration, and a route.
pub struct VictorOps {
    api_key: Secret,
    /// The address of every message, which holds the API key.
    url: Secret,
    /// Its path, which answers may repeat alone.
    path: Secret,
    routing_key: Option<String>,
    host: String,
}

impl VictorOps {
    pub fn new(api_key: Secret, routing_key: Option<String>, base_url: &str) -> VictorOps {
        let mut path = format!("/integrations/generic/20131114/alert/{}", api_key.expose());
        if let Some(key) = &routing_key {
            path.push('/');
            path.push_str(&in_path(key));
        }
        VictorOps {
            url: Secret::new(format!("{base_url}{path}")),
            path: Secret::new(path),
            host: wire::http::host_of(base_url),
            api_key,
            routing_key,
        }
    }

    fn send(&self, task: &Task<'_>, kind: Kind, at: &str) -> Next {
        let body = message(task, kind, &entity_id(task), event(task, kind));
        let request = HttpRequest::post_json(self.url.expose(), body.to_string());
        Next::request_with(request, json!({ "at": at }))
    }
}

/// A text as one part of a path.
fn in_path(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The alert's identity there: what was used before, else the alert's id.
fn entity_id(task: &Task<'_>) -> String {
    let kept = task.handle.map(|handle| handle.object.as_str());
    let kept = kept.filter(|id| !id.is_empty() && id.chars().count() <= ENTITY_ID_CHARS_MAX);
    kept.map_or_else(|| task.alert.id.to_string(), str::to_owned)
}

/// The first message of a task, and whether an acknowledgement follows it. `None`: nothing needs to be said.
fn plan(task: &Task<'_>) -> Option<(Kind, bool)> {
    let kind = match task.verb {
        Verb::Ack => Kind::Acknowledgement,
        // Whatever it is in, it shall be acknowledged, so it must be there first.
        Verb::Set(Told::Acked) | Verb::Repeat(Told::Acked) => return Some((Kind::Problem, true)),
        Verb::Close
        | Verb::Set(Told::Closed)
        | Verb::Repeat(Told::Closed)
        | Verb::CloseExtra(_)
        | Verb::Event {
            status: Status::Closed,
            ..
        } => {
            // An entry of the timeline opened nothing.
            if task.alert.kind == AlertKind::Notification {
                return None;
            }
            Kind::Recovery
        }
        Verb::Note(_) | Verb::Inform => Kind::Entry,
        _ => Kind::Problem,
    };
    Some((kind, false))
}

/// The event that a message is about: a note's own, or the newest of its kind.
fn event<'a>(task: &Task<'a>, kind: Kind) -> Option<&'a Event> {
    if let Verb::Note(seq) = task.verb {
        return task.events.iter().find(|event| event.seq == seq);
    }
    let newest = |of: fn(EventKind) -> bool| task.events.iter().rfind(|event| of(event.kind));
    match kind {
        Kind::Acknowledgement => newest(|kind| kind == EventKind::Acknowledged),
        Kind::Recovery => newest(EventKind::is_closing),
        Kind::Entry | Kind::Problem => None,
    }
}

impl Sink for VictorOps {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let Some((kind, acks)) = plan(task) else {
            return Next::Finish(Finish {
                outcome: Outcome::Delivered,
                handle: None,
                status: None,
                excerpt: "A notification opens nothing there, so there is nothing to close."
                    .to_owned(),
            });
        };
        let Some(reply) = step.reply else {
            return self.send(task, kind, "first");
        };
        let is_first = step.memo.get("at").and_then(Value::as_str) != Some("ack");
        let judge = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now: task.now,
            overrides: &[],
        };
        let entity_id = entity_id(task);
        let opened = (kind == Kind::Problem).then_some(entity_id.as_str());
        let finish = judge::judge(&judge, reply, opened);
        if acks && is_first && finish.outcome == Outcome::Delivered {
            return self.send(task, Kind::Acknowledgement, "ack");
        }
        Next::Finish(finish)
    }

    /// Every request to the endpoint is a message.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    /// No limit is documented; a 429 is heeded.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        Vec::new()
    }

    fn target(&self) -> String {
        match &self.routing_key {
            Some(key) => format!("{key} at {}", self.host),
            None => format!("the default route at {}", self.host),
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.api_key, &self.url, &self.path]
    }
}

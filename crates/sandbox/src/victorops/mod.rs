//! VictorOps (Splunk On-Call): the REST endpoint at
//! `/victorops/integrations/generic/20131114/alert/{api_key}/{routing_key}`, its incidents and timeline as a page at
//! `/victorops`.
//!
//! Any API key works, unless keys are set (`POST /_victorops/settings {"keys": […]}`). An unknown `message_type` is taken
//! as INFO without a word, as VictorOps does: nobody is paged.

mod page;
mod rules;
mod state;

pub use state::{Entry, Incident, Phase};

use crate::exchange::{Reply, Request};
use crate::vendor::{Conditions, Vendor};
use http::{Method, StatusCode};
use parking_lot::Mutex;
use rules::Kind;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use state::Organization;
use std::sync::Arc;

/// One simulated organization.
#[derive(Debug, Default)]
pub struct VictorOps(Mutex<Organization>);

const PREFIX: &str = "/integrations/generic/20131114/alert/";

/// `POST /_victorops/settings`: changes what is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsBody {
    /// Whether WARNING opens an incident; it does unless this says no.
    warning_opens: Option<bool>,
    /// The API keys that are taken; an empty list: all.
    keys: Option<Vec<String>>,
    /// The status of failures; VictorOps' documents name none.
    failure_status: Option<u16>,
}

impl VictorOps {
    /// The incidents, oldest first.
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        self.0.lock().incidents.values().cloned().collect()
    }

    /// The timeline, oldest first.
    #[must_use]
    pub fn timeline(&self) -> Vec<Entry> {
        self.0.lock().timeline.iter().cloned().collect()
    }

    fn receive(&self, rest: &str, request: &Request, conditions: Conditions) -> Reply {
        let mut organization = self.0.lock();
        let parts: Vec<String> = rest
            .trim_end_matches('/')
            .split('/')
            .map(|part| {
                // A path has no plus for a space.
                let part = format!("p={}", part.replace('+', "%2B"));
                let decoded = url::form_urlencoded::parse(part.as_bytes()).next();
                decoded
                    .map(|(_, value)| value.into_owned())
                    .unwrap_or_default()
            })
            .collect();
        let (api_key, routing_key) = match parts.as_slice() {
            [api_key] if !api_key.is_empty() => (api_key, None),
            [api_key, routing_key] if !api_key.is_empty() => (api_key, Some(routing_key.clone())),
            _ => return failure(&organization, "Missing API key"),
        };
        if !organization.keys.is_empty() && !organization.keys.contains(api_key) {
            return failure(&organization, "Invalid API key");
        }
        let Ok(Value::Object(message)) = serde_json::from_slice::<Value>(&request.body) else {
            return failure(&organization, "Invalid JSON");
        };
        let Some(word) = message.get("message_type").and_then(Value::as_str) else {
            return failure(&organization, "Missing fields: message_type");
        };
        let kind = rules::kind(word);
        let problems = rules::problems(&message, request);
        let entity_id = match message.get("entity_id").and_then(Value::as_str) {
            Some(id) if !id.is_empty() => id.to_owned(),
            // Random there; here it only has to be another one each time.
            _ => format!("entity-{}", organization.timeline.total() + 1),
        };
        organization.apply(kind, &entity_id, routing_key, &message, conditions.now);
        let answer = json!({ "result": "success", "entity_id": entity_id });
        Reply::json(StatusCode::OK, &answer).with_problems(problems)
    }

    fn settings(&self, body: &[u8]) -> Result<(), String> {
        let body: SettingsBody = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let mut organization = self.0.lock();
        if let Some(status) = body.failure_status {
            organization.failure_status =
                StatusCode::from_u16(status).map_err(|error| error.to_string())?;
        }
        organization.warning_opens = body.warning_opens.unwrap_or(organization.warning_opens);
        if let Some(keys) = body.keys {
            organization.keys = keys.into_iter().collect();
        }
        Ok(())
    }
}

/// The body says that it failed; the status need not.
fn failure(organization: &Organization, message: &str) -> Reply {
    let answer = json!({ "result": "failure", "message": message });
    Reply::json(organization.failure_status, &answer).with_problems(vec![message.to_owned()])
}

/// A text member of a message.
fn text<'a>(message: &'a Map<String, Value>, name: &str) -> &'a str {
    message
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

impl Vendor for VictorOps {
    fn name(&self) -> &'static str {
        "victorops"
    }

    fn about(&self) -> &'static str {
        "REST endpoint of VictorOps (Splunk On-Call), with its incidents and timeline"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        match request.path.strip_prefix(PREFIX) {
            Some(rest) if request.method == Method::POST => self.receive(rest, request, conditions),
            _ => Reply::text(StatusCode::NOT_FOUND, "not found")
                .with_problems(vec![format!("not a POST to {PREFIX}…")]),
        }
    }

    fn page(&self, path: &str) -> Option<Reply> {
        (path == "/").then(|| page::organization(&self.0.lock()))
    }

    /// `POST /_victorops/settings {warning_opens, keys, failure_status}`, `GET /_victorops/incidents`,
    /// `GET /_victorops/timeline`, `DELETE /_victorops`.
    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        match (method, what) {
            (&Method::DELETE, "") => {
                *self.0.lock() = Organization::default();
                Reply::json(StatusCode::OK, &json!({ "ok": true }))
            }
            (&Method::GET, "incidents") => {
                Reply::json(StatusCode::OK, &json!({ "incidents": self.incidents() }))
            }
            (&Method::GET, "timeline") => {
                Reply::json(StatusCode::OK, &json!({ "timeline": self.timeline() }))
            }
            (&Method::POST, "settings") => match self.settings(body) {
                Ok(()) => Reply::json(StatusCode::OK, &json!({ "ok": true })),
                Err(problem) => Reply::complaint(StatusCode::BAD_REQUEST, &problem),
            },
            _ => Reply::complaint(
                StatusCode::NOT_FOUND,
                "POST settings, GET incidents or timeline, DELETE /_victorops",
            ),
        }
    }
}

/// What a message does to the incident of its entity.
impl Organization {
    fn apply(
        &mut self,
        kind: Kind,
        entity_id: &str,
        routing_key: Option<String>,
        message: &Map<String, Value>,
        now: i64,
    ) {
        let name = match text(message, "entity_display_name") {
            "" => entity_id,
            name => name,
        };
        self.say(kind, entity_id, name, text(message, "state_message"), now);
        let opens = match kind {
            Kind::Critical => true,
            Kind::Warning => self.warning_opens,
            Kind::Acknowledgement | Kind::Info | Kind::Recovery => false,
        };
        let open = self.open(entity_id);
        match (kind, open) {
            (Kind::Critical | Kind::Warning, Some(number)) => self.roll_up(number, message, now),
            (_, None) if opens => self.trigger(entity_id, name, routing_key, message, now),
            (Kind::Acknowledgement, Some(number)) => {
                self.acknowledge(number, text(message, "ack_author"), now);
            }
            (Kind::Recovery, Some(number)) => self.recover(number, now),
            _ => {}
        }
    }
}

//! Microsoft Teams: workflows' webhooks (`POST /teams/workflows/{id}/…?sig=…`) and the older connectors
//! (`POST /teams/webhookb2/…/IncomingWebhook/…`).
//!
//! Source: Microsoft's documentation of both. A workflow exists from its first request on, with that `sig`; 202 means
//! that it will run, and a card that cannot be shown is nobody's error. A connector answers 200 for everything: `1`, or a
//! sentence with the real status in it. `POST /_teams/workflows {id, deleted, disabled, open}` changes a workflow,
//! `DELETE /_teams` empties everything.

mod card;
#[cfg(test)]
mod tests;

use crate::exchange::{Reply, Request};
use crate::limits;
use crate::pace::{Allowance, Pace};
use crate::posts::{self, Post, Posts};
use crate::vendor::{Conditions, Vendor};
use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// More than four a second are throttled (same page).
const PER_ADDRESS: Allowance = Allowance {
    burst: 4,
    interval_ms: 250,
};

/// The simulated Teams.
#[derive(Debug, Default)]
pub struct Teams(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    posts: Posts,
    workflows: BTreeMap<String, Workflow>,
    pace: Pace,
    last_id: u64,
}

#[derive(Debug, Clone, Default)]
struct Workflow {
    /// Of its first request.
    sig: Option<String>,
    deleted: bool,
    disabled: bool,
    /// Anyone may run it: it asks for no `sig`.
    open: bool,
}

/// `POST /_teams/workflows`: changes what is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Knob {
    id: String,
    deleted: Option<bool>,
    disabled: Option<bool>,
    open: Option<bool>,
}

impl Teams {
    /// The cards of a workflow or connector by its id, oldest first. Those that cannot be shown have `problems`.
    #[must_use]
    pub fn cards(&self, id: &str) -> Vec<Post> {
        self.0.lock().posts.of(id).cloned().collect()
    }
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({ "error": { "code": code, "message": message } }),
    )
}

impl State {
    fn answer(&mut self, request: &Request, conditions: Conditions) -> Reply {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        if request.method != Method::POST {
            return Reply::text(StatusCode::METHOD_NOT_ALLOWED, "");
        }
        if let Some(at) = parts.iter().position(|part| *part == "workflows")
            && let Some(id) = parts.get(at + 1)
        {
            return self.run(id, request, conditions);
        }
        if parts.contains(&"IncomingWebhook") {
            return self.connector(&parts.join("/"), request, conditions);
        }
        Reply::text(StatusCode::NOT_FOUND, "").with_problems(vec![
            "neither a workflow's address nor a connector's".into(),
        ])
    }

    fn run(&mut self, id: &str, request: &Request, conditions: Conditions) -> Reply {
        let sig = url::form_urlencoded::parse(request.query.as_bytes())
            .find(|(name, _)| name == "sig")
            .map(|(_, value)| value.into_owned());
        let is_room = self.workflows.len() < limits::CHAT_KNOBS;
        if !is_room && !self.workflows.contains_key(id) {
            return refusal(
                StatusCode::NOT_FOUND,
                "WorkflowNotFound",
                "The sandbox is full.",
            );
        }
        let workflow = self.workflows.entry(id.to_owned()).or_default();
        if workflow.deleted {
            let message = format!("The workflow '{id}' could not be found.");
            return refusal(StatusCode::NOT_FOUND, "WorkflowNotFound", &message);
        }
        if !workflow.open {
            let Some(sig) = sig else {
                let message = "The request must be authenticated only by Shared Access scheme.";
                return refusal(
                    StatusCode::UNAUTHORIZED,
                    "DirectApiAuthorizationRequired",
                    message,
                );
            };
            if *workflow.sig.get_or_insert_with(|| sig.clone()) != sig {
                let message = "The authentication credentials are not valid.";
                return refusal(StatusCode::UNAUTHORIZED, "AuthorizationFailed", message);
            }
        }
        if workflow.disabled {
            let message = "Could not execute workflow trigger 'manual' with state 'Disabled'.";
            return refusal(
                StatusCode::BAD_REQUEST,
                "WorkflowTriggerIsNotEnabled",
                message,
            );
        }
        if conditions.limits
            && let Err(seconds) = self.pace.take(id, PER_ADDRESS, conditions.now)
        {
            let mut reply = refusal(
                StatusCode::TOO_MANY_REQUESTS,
                "WorkflowRunActionThrottled",
                "The number of requests is above the limit.",
            );
            let value = http::HeaderValue::from(seconds);
            reply.headers.insert(http::header::RETRY_AFTER, value);
            return reply;
        }
        let Ok(message) = serde_json::from_slice::<Value>(&request.body) else {
            let words = "The request content is not valid JSON.";
            return refusal(StatusCode::BAD_REQUEST, "InvalidRequestContent", words)
                .with_problems(vec!["the body is no JSON".into()]);
        };
        let problems = self.keep(id, message, request, conditions.now);
        Reply::text(StatusCode::ACCEPTED, "").with_problems(problems)
    }

    /// What is too large for Teams is a failed run, of which the sender hears nothing.
    fn keep(&mut self, room: &str, message: Value, request: &Request, now: i64) -> Vec<String> {
        let mut problems = card::problems(&message);
        if card::is_too_large(&request.body) {
            problems.push("the message is larger than 28 KB".into());
        }
        self.last_id += 1;
        let content = json!({ "message": message, "problems": problems });
        self.posts.add(room, self.last_id, now, content, None);
        problems
    }

    fn connector(&mut self, room: &str, request: &Request, conditions: Conditions) -> Reply {
        let failed = |status: u16| {
            let words = format!(
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} with ContextId tcid=0,server=SANDBOX."
            );
            Reply::text(StatusCode::OK, words)
        };
        if conditions.limits && self.pace.take(room, PER_ADDRESS, conditions.now).is_err() {
            return failed(429);
        }
        if card::is_too_large(&request.body) {
            return failed(413).with_problems(vec!["the message is larger than 28 KB".into()]);
        }
        let Ok(message) = serde_json::from_slice::<Value>(&request.body) else {
            let reply = Reply::text(
                StatusCode::BAD_REQUEST,
                "Bad payload received by generic incoming webhook.",
            );
            return reply.with_problems(vec!["the body is no JSON".into()]);
        };
        let is_card = message["@type"] == "MessageCard"
            && (message["text"].is_string() || message["summary"].is_string());
        let problems = match is_card {
            true => Vec::new(),
            false => card::problems(&message),
        };
        if !problems.is_empty() {
            return failed(400).with_problems(problems);
        }
        self.last_id += 1;
        let content = json!({ "message": message, "problems": [] });
        self.posts
            .add(room, self.last_id, conditions.now, content, None);
        Reply::text(StatusCode::OK, "1")
    }
}

impl Vendor for Teams {
    fn name(&self) -> &'static str {
        "teams"
    }

    fn about(&self) -> &'static str {
        "workflows' webhooks and the older connectors, with their cards"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        self.0.lock().answer(request, conditions)
    }

    fn page(&self, path: &str) -> Option<Reply> {
        let posts = &self.0.lock().posts;
        posts.page("teams", "Microsoft Teams", "cards", path, |content| {
            let problems = content["problems"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            let mut out = String::new();
            if !problems.is_empty() {
                out.push_str("<span class=\"tag bad\">not shown by Teams</span>");
            }
            for problem in problems {
                out.push_str(&posts::text(problem.as_str().unwrap_or_default()));
            }
            out + &posts::text(card::text(&content["message"]).trim())
        })
    }

    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        let mut state = self.0.lock();
        match (method, what) {
            (&Method::POST, "workflows") => posts::with(body, |knob: Knob| {
                let mut workflow = state.workflows.get(&knob.id).cloned().unwrap_or_default();
                workflow.deleted = knob.deleted.unwrap_or(workflow.deleted);
                workflow.disabled = knob.disabled.unwrap_or(workflow.disabled);
                workflow.open = knob.open.unwrap_or(workflow.open);
                posts::keep(&mut state.workflows, knob.id, workflow)
            }),
            (&Method::DELETE, "") => {
                *state = State::default();
                Reply::json(StatusCode::OK, &json!({ "ok": true }))
            }
            _ => Reply::complaint(
                StatusCode::NOT_FOUND,
                "POST workflows {id, deleted, disabled, open}, DELETE /_teams",
            ),
        }
    }
}

//! `flowdock`: settings, requests, answers.
//!
//! Two manners: a personal API token posts into the chat of a flow that is named by its organization and its own name
//! (M7, M8); a flow token, which names its flow, pushes into the flow's inbox. A repeated request is a second message (I7).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Capabilities, Handle, Manner, Outcome, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::http::{HttpReply, HttpRequest, host_of};

use super::render::{activity, chat};
use crate::kit::{
    Edition, ErrorSentence, Finish, Judge, Next, Pace, SecretText, SettingsError, SettingsMap,
    Sink, SinkKind, SinkManifest, Step, Task, address, parse_settings,
};

/// The kind `flowdock`.
pub static FLOWDOCK: FlowdockKind = FlowdockKind;

/// An organization's or a flow's name in an address, in characters.
const NAME_CHARS_MAX: usize = 100;

static MANIFEST: SinkManifest = SinkManifest {
    name: "flowdock",
    vendor: "flowdock",
    title: "Flowdock",
    about: "Every event of an alert, in order, in a flow, as one thread. Flowdock knows no acknowledgement: it and an end are messages that say so; with a flow token the thread's status shows the state too.",
    docs: "https://github.com/flowdock/api-docs (read 2026-11)",
    manner: Manner::Log,
    can: Capabilities {
        update: true,
        ack: true,
        unack: true,
        note: true,
        assign: true,
        snooze: true,
        ignores_unknown_close: false,
        idempotent: false,
        late_request_changes_state: false,
        pages: false,
    },
    setup: &[
        "Enter the address of the server or bridge that speaks Flowdock's API.",
        "With a personal API token: enter the token, and the organization's and the flow's names in lower case, as they stand in the flow's address.",
        "Or with a flow token, made when a source is added to the flow's inbox: enter that token alone.",
        "Test the integration: a message appears in the flow.",
    ],
    errors: &[
        ErrorSentence {
            code: "400",
            sentence: "Flowdock refuses the message as it is (400): its answer says why.",
        },
        ErrorSentence {
            code: "401",
            sentence: "Flowdock does not know the token (401): set another one.",
        },
        ErrorSentence {
            code: "403",
            sentence: "The token may not post to this flow (403): its user must be a member of the flow.",
        },
        ErrorSentence {
            code: "404",
            sentence: "Flowdock has no such flow (404): check `org` and `flow`, which stand in the flow's address in lower case, and `base_url`.",
        },
        ErrorSentence {
            code: "429",
            sentence: "Flowdock has had enough messages for now (429).",
        },
    ],
    schema: || schemars::schema_for!(FlowdockSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::CloudGone,
};

/// Settings of `flowdock`.
#[derive(Deserialize, JsonSchema)]
struct FlowdockSettings {
    /// The server's address; `/flows/…` or `/messages` follows it.
    #[schemars(extend("x-setting" = "target"))]
    base_url: String,
    /// The organization's name as in the flow's address, in lower case; with a personal API token.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    org: Option<String>,
    /// The flow's name as in its address, in lower case; with a personal API token.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    flow: Option<String>,
    /// A personal API token, of a user who is in the flow.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    api_token: Option<SecretText>,
    /// A flow token, in place of organization, flow and personal token. It names the flow.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    flow_token: Option<SecretText>,
}

/// M7: lower-case, as in the address.
fn name(field: &str, text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let is_long = text.chars().count() > NAME_CHARS_MAX;
    if text.is_empty() || is_long || !text.chars().all(is_plain) {
        return Err(SettingsError::new(
            field,
            "give the name as it stands in the flow's address: lower-case letters, digits, `-` and `_`",
        ));
    }
    Ok(text.to_owned())
}

fn token(field: &str, token: SecretText) -> Result<Secret, SettingsError> {
    let text = token.expose();
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic() && c != ':') {
        let problem = "this is no token: copy it again, without spaces";
        return Err(SettingsError::new(field, problem));
    }
    Ok(token.0)
}

fn way(settings: FlowdockSettings) -> Result<Way, Vec<SettingsError>> {
    let together = |what: &str| Err(vec![SettingsError::new("", what)]);
    match (settings.api_token, settings.flow_token) {
        (Some(_), Some(_)) => together("give either `api_token` or `flow_token`"),
        (None, None) => together("give `api_token`, with `org` and `flow`; or `flow_token` alone"),
        (None, Some(flow_token)) => match token("flow_token", flow_token) {
            Ok(token) => Ok(Way::Inbox { token }),
            Err(error) => Err(vec![error]),
        },
        (Some(api_token), None) => {
            let (Some(org), Some(flow)) = (settings.org, settings.flow) else {
                return together("with `api_token`, give `org` and `flow` too");
            };
            let token = token("api_token", api_token);
            match (token, name("org", &org), name("flow", &flow)) {
                (Ok(token), Ok(org), Ok(flow)) => Ok(Way::Chat {
                    // The token is the user's name, its password is empty.
                    basic: Secret::new(STANDARD.encode(format!("{}:", token.expose()))),
                    token,
                    org,
                    flow,
                }),
                (token, org, flow) => {
                    let errors = [token.err(), org.err(), flow.err()];
                    Err(errors.into_iter().flatten().collect())
                }
            }
        }
    }
}

/// The kind itself.
pub struct FlowdockKind;

impl SinkKind for FlowdockKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: FlowdockSettings = parse_settings(settings)?;
        let base_url = address::base_url("base_url", &settings.base_url);
        match (base_url, way(settings)) {
            (Ok(base_url), Ok(way)) => Ok(Arc::new(Flowdock { base_url, way })),
            (base_url, way) => {
                let mut errors = way.err().unwrap_or_default();
                errors.extend(base_url.err());
                Err(errors)
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "base_url": format!("{base_url}/flowdock"),
            "org": "example",
            "flow": "main",
            "api_token": "0123456789abcdef0123456789abcdef",
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        let body = json!({ "message": "Refused", "errors": {} });
        (code.parse().unwrap_or(400), body.to_string())
    }
}

enum Way {
    Chat {
        token: Secret,
        /// The token as `Authorization: Basic` has it; answers may repeat it so.
        basic: Secret,
        org: String,
        flow: String,
    },
    Inbox {
        token: Secret,
    },
}

struct Flowdock {
    base_url: String,
    way: Way,
}

/// What a chat message is answered with, as far as we read it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    thread_id: Option<String>,
}

impl Flowdock {
    fn request(&self, task: &Task<'_>) -> Next {
        Next::request(match &self.way {
            Way::Chat {
                basic, org, flow, ..
            } => {
                let url = format!("{}/flows/{org}/{flow}/messages", self.base_url);
                let thread = task.handle.and_then(thread);
                HttpRequest::post_json(url, chat(task, thread).to_string()).secret_header(
                    "authorization",
                    Secret::new(format!("Basic {}", basic.expose())),
                )
            }
            Way::Inbox { token } => HttpRequest::post_json(
                format!("{}/messages", self.base_url),
                activity(task, token.expose()).to_string(),
            ),
        })
    }

    fn judge(&self, task: &Task<'_>, reply: &HttpReply) -> Finish {
        let judge = self.common(task);
        let text = reply.text();
        let status = Some(reply.status);
        match reply.status {
            200..=299 if text.trim_start().starts_with('<') => {
                let sentence =
                    "The answer is not one of Flowdock's: check `base_url`, or a proxy in between.";
                judge.finish(Outcome::Ambiguous, status, sentence, &text)
            }
            202 => judge.finish(Outcome::Accepted, status, "", ""),
            200..=299 => {
                let mut finish = judge.finish(Outcome::Delivered, status, "", "");
                finish.handle = self.thread_of(task, reply);
                finish
            }
            // The token is known, its user may not post there.
            403 => {
                let sentence = judge.sentence("403").unwrap_or_default();
                judge.finish(Outcome::ScopeMissing, status, sentence, &text)
            }
            _ => judge.http(reply),
        }
    }

    /// The thread that a chat message began: kept, so that the others answer in it.
    fn thread_of(&self, task: &Task<'_>, reply: &HttpReply) -> Option<Handle> {
        let Way::Chat { .. } = self.way else {
            return None;
        };
        if let Some(known) = task.handle.filter(|handle| thread(handle).is_some()) {
            return Some(known.clone());
        }
        let answer = serde_json::from_slice::<Answer>(&reply.body).unwrap_or_default();
        // A short word: what else stands there is no id, and might be what we sent.
        let id = answer.thread_id.filter(|id| is_id(id))?;
        let is_secret = self
            .secrets()
            .iter()
            .any(|secret| id.contains(secret.expose()));
        (!is_secret).then(|| Handle {
            data: json!({ "thread_id": id }),
            object: id,
        })
    }

    fn common(&self, task: &Task<'_>) -> Judge<'_> {
        Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now: task.now,
            overrides: &[],
        }
    }
}

fn thread(handle: &Handle) -> Option<&str> {
    match &handle.data["thread_id"] {
        Value::String(id) => Some(id),
        _ => None,
    }
}

fn is_id(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= 64 && text.chars().all(is_plain)
}

impl Sink for Flowdock {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        match step.reply {
            None => self.request(task),
            Some(Ok(reply)) => Next::Finish(self.judge(task, reply)),
            Some(Err(error)) => Next::Finish(self.common(task).transport(error)),
        }
    }

    /// Every request posts.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    /// Its limits are not known; a server's own is told by its 429.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        Vec::new()
    }

    fn target(&self) -> String {
        match &self.way {
            Way::Chat { org, flow, .. } => format!("{org}/{flow}"),
            Way::Inbox { .. } => format!("the flow of a token at {}", host_of(&self.base_url)),
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        match &self.way {
            Way::Chat { token, basic, .. } => vec![token, basic],
            Way::Inbox { token } => vec![token],
        }
    }
}

//! `ntfy`: settings, requests.
//!
//! Rules of the wire: ntfy's documentation, "Publishing" and "Access control", read 2026-11. JSON goes to the server's
//! root, not to the topic's address. There is no idempotency key (I7).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Capabilities, Manner, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use wire::http::{HttpRequest, host_of};

use super::judge::{self, SENTENCES};
use super::render::message;
use crate::kit::buckets::{check_per_minute, name_of, per_minute};
use crate::kit::{
    Edition, Judge, Next, Pace, SecretText, SettingsError, SettingsMap, Sink, SinkKind,
    SinkManifest, Step, Task, address, parse_settings,
};

/// The kind `ntfy`.
pub static NTFY: NtfyKind = NtfyKind;

static MANIFEST: SinkManifest = SinkManifest {
    name: "ntfy",
    vendor: "ntfy",
    title: "ntfy",
    about: "A push message to phones and desktops for each event of an alert, louder the more severe it is. A tap opens the alert.",
    docs: "https://docs.ntfy.sh/publish/ (read 2026-11)",
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
        // A late message is only one message more.
        late_request_changes_state: false,
        pages: false,
    },
    setup: &[
        "Choose a topic: a name that nobody guesses, because on an open server whoever knows it can read and write there.",
        "Install the ntfy app, and subscribe to the topic on the same server.",
        "On a server with access control, make a user or token that may write to the topic.",
        "Enter server, topic and credential here, and test the integration: the phone rings.",
    ],
    errors: &SENTENCES,
    schema: || schemars::schema_for!(NtfySettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `ntfy`.
#[derive(Deserialize, JsonSchema)]
struct NtfySettings {
    /// The topic: letters, digits, `-` and `_`, at most 64. Kept like a password, because on an open server it is one.
    #[schemars(extend("x-setting" = "target"))]
    topic: SecretText,
    /// An access token of the server; it begins with `tk_`. Instead of `user` and `password`.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    token: Option<SecretText>,
    /// The name of a user who may write to the topic, together with `password`.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    user: Option<String>,
    /// That user's password.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    password: Option<SecretText>,
    /// The server's address.
    #[serde(default = "ntfy_sh")]
    #[schemars(extend("x-setting" = "target"))]
    base_url: String,
    /// How many messages a minute at most. A server takes 12 in the long run unless it is configured otherwise; ntfy.sh takes 250 a day.
    #[serde(default = "usual_pace")]
    #[schemars(range(min = 1, max = 60_000))]
    messages_per_minute: u32,
}

fn ntfy_sh() -> String {
    "https://ntfy.sh".to_owned()
}

/// One each five seconds (ntfy's documentation, "Rate limiting", read 2026-11).
fn usual_pace() -> u32 {
    12
}

/// At once: a fraction of the 60 that the server's bucket has, because others at this address use it too.
const BURST: u32 = 12;
/// Longest topic.
const TOPIC_CHARS_MAX: usize = 64;

/// The kind itself.
pub struct NtfyKind;

impl SinkKind for NtfyKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: NtfySettings = parse_settings(settings)?;
        let topic = topic(settings.topic.expose());
        let credential = credential(settings.token, settings.user, settings.password);
        let base_url = address::base_url("base_url", &settings.base_url);
        let pace = check_per_minute(settings.messages_per_minute);
        match (topic, credential, base_url, pace) {
            (Ok(topic), Ok(credential), Ok(base_url), Ok(messages_per_minute)) => {
                Ok(Arc::new(Ntfy {
                    name: name_of(&Secret::new(format!("{base_url}\n{}", topic.expose()))),
                    topic,
                    credential,
                    base_url,
                    messages_per_minute,
                }))
            }
            (topic, credential, base_url, pace) => {
                let errors = [topic.err(), credential.err(), base_url.err(), pace.err()];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "topic": "example-alerts-4f1b7c",
            "token": "tk_exampleExampleExampleExample",
            "base_url": format!("{base_url}/ntfy"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        judge::example(code)
    }
}

fn topic(text: &str) -> Result<Secret, SettingsError> {
    let text = text.trim();
    let is_topic = !text.is_empty()
        && text.len() <= TOPIC_CHARS_MAX
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if is_topic {
        return Ok(Secret::new(text));
    }
    let problem = "give the topic's name alone: letters, digits, - and _, at most 64; the server goes into `base_url`";
    Err(SettingsError::new("topic", problem))
}

/// What proves who we are.
struct Credential {
    /// The header's value.
    header: Secret,
    /// The token or password by itself, which answers may repeat.
    bare: Secret,
}

fn credential(
    token: Option<SecretText>,
    user: Option<String>,
    password: Option<SecretText>,
) -> Result<Option<Credential>, SettingsError> {
    let problem = |field: &str, what: &str| Err(SettingsError::new(field, what));
    match (token, user, password) {
        (None, None, None) => Ok(None),
        (Some(token), None, None) => {
            let text = token.expose().trim();
            if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
                return problem(
                    "token",
                    "this is no access token: it begins with tk_ and has no spaces",
                );
            }
            Ok(Some(Credential {
                header: Secret::new(format!("Bearer {text}")),
                bare: Secret::new(text),
            }))
        }
        (None, Some(user), Some(password)) => {
            if user.is_empty() || user.contains(':') {
                return problem("user", "a user's name has no colon");
            }
            let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
            Ok(Some(Credential {
                header: Secret::new(format!("Basic {pair}")),
                bare: password.0,
            }))
        }
        (Some(_), _, _) => problem("token", "give either a token, or user and password"),
        (None, Some(_), None) => problem("password", "the user needs a password"),
        (None, None, Some(_)) => problem("user", "the password needs a user"),
    }
}

struct Ntfy {
    topic: Secret,
    credential: Option<Credential>,
    base_url: String,
    messages_per_minute: u32,
    /// Names server and topic in buckets.
    name: String,
}

impl Sink for Ntfy {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let Some(reply) = step.reply else {
            let body = message(task, self.topic.expose()).to_string();
            let mut request = HttpRequest::post_json(format!("{}/", self.base_url), body);
            if let Some(credential) = &self.credential {
                request = request.secret_header("authorization", credential.header.clone());
            }
            return Next::request(request);
        };
        let judge = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now: task.now,
            overrides: &[],
        };
        Next::Finish(match reply {
            Ok(reply) => judge::answer(&judge, reply),
            Err(error) => judge.transport(error),
        })
    }

    /// A server tells who may read a topic, not who may write to it.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        let bucket = format!("ntfy:{}", self.name);
        vec![per_minute(bucket, self.messages_per_minute, BURST)]
    }

    fn target(&self) -> String {
        format!("a topic at {}", host_of(&self.base_url))
    }

    fn secrets(&self) -> Vec<&Secret> {
        let credential = self.credential.iter().flat_map(|c| [&c.header, &c.bare]);
        std::iter::once(&self.topic).chain(credential).collect()
    }
}

//! `slack`: one message an alert, posted by a bot and edited as the alert goes on.
//!
//! There is no idempotency key: a post whose reply was lost may be there twice (I7). Every request shows the alert's
//! present state, so a repeated edit does no harm.

use std::sync::Arc;

use model::{Capabilities, DurationMs, Manner, Secret, Timestamp, Verb};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::http::HttpRequest;

use super::errors::SENTENCES;
use super::render::{message, reminder};
use super::{channel, check_token, judge};
use crate::kit::{
    Edition, Finish, Judge, Next, Pace, Reply, SecretText, SettingsError, SettingsMap, Sink,
    SinkKind, SinkManifest, Step, Task, account_name, address, parse_settings,
};

/// The kind `slack`.
pub static SLACK: SlackKind = SlackKind;

static MANIFEST: SinkManifest = SinkManifest {
    name: "slack",
    vendor: "slack",
    title: "Slack",
    about: "One message for each alert in a channel. Its bar is red while the alert is open and green when it is closed, and it always shows the newest state.",
    docs: "https://docs.slack.dev/reference/methods/chat.postMessage (read 2026-11)",
    manner: Manner::Mirror,
    can: Capabilities {
        update: true,
        ack: true,
        unack: true,
        // The message shows the newest note; a note is no message of its own.
        note: false,
        assign: false,
        snooze: false,
        ignores_unknown_close: false,
        idempotent: false,
        late_request_changes_state: true,
        pages: false,
    },
    setup: &[
        "At api.slack.com/apps choose Create New App, from scratch; name it and pick your workspace.",
        "Under OAuth & Permissions, Bot Token Scopes, add `chat:write`.",
        "On the same page choose Install to Workspace and allow it.",
        "Copy the Bot User OAuth Token; it begins with xoxb-.",
        "In Slack, open the channel and invite the bot: /invite @its-name.",
        "Enter the token here and the channel: its name, or for a private channel its id from the channel's details.",
        "Test the integration: a message appears in the channel.",
    ],
    errors: &SENTENCES,
    schema: || schemars::schema_for!(SlackSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `slack`.
#[derive(Deserialize, JsonSchema)]
struct SlackSettings {
    /// The channel that the bot was invited to: its name (`#ops` or `ops`), or its id (`C…`), which a private channel needs.
    #[schemars(extend("x-setting" = "target"))]
    channel: String,
    /// The app's Bot User OAuth Token; it begins with `xoxb-`.
    #[schemars(extend("x-setting" = "credential"))]
    token: SecretText,
    /// Where Slack's API is; `/api/chat.postMessage` follows it. Change it only for GovSlack, a proxy or a test.
    #[serde(default = "slack_com")]
    #[schemars(extend("x-setting" = "target"))]
    base_url: String,
    /// How many messages, and how many edits, a second at most. Without it the hub keeps to Slack's own limits. Set it only where `base_url` is a bridge or a self-hosted server that takes more: Slack itself would answer 429.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    messages_per_second: Option<u32>,
}

/// More than this no server that speaks Slack's API is known to take, and a bucket counts whole milliseconds.
const MESSAGES_PER_SECOND_MAX: u32 = 1000;

fn slack_com() -> String {
    "https://slack.com".to_owned()
}

/// The kind itself.
pub struct SlackKind;

impl SinkKind for SlackKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: SlackSettings = parse_settings(settings)?;
        let channel = channel(&settings.channel);
        let token = check_token(settings.token.expose());
        let base_url = address::base_url("base_url", &settings.base_url);
        let pace = match settings.messages_per_second {
            Some(number) if !(1..=MESSAGES_PER_SECOND_MAX).contains(&number) => {
                Err(SettingsError::new(
                    "messages_per_second",
                    format!("it is from 1 to {MESSAGES_PER_SECOND_MAX}"),
                ))
            }
            number => Ok(number),
        };
        match (channel, token, base_url, pace) {
            (Ok(channel), Ok(()), Ok(base_url), Ok(pace)) => Ok(Arc::new(Slack::new(
                channel,
                settings.token.0,
                base_url,
                pace,
            ))),
            (channel, token, base_url, pace) => {
                let errors = [channel.err(), token.err(), base_url.err(), pace.err()];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "channel": "#ops",
            "token": "xoxb-2847561093-6120398475-exampleExampleExample",
            "base_url": format!("{base_url}/slack"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    /// Slack says no with 200.
    fn example_error(&self, code: &str) -> (u16, String) {
        (200, json!({ "ok": false, "error": code }).to_string())
    }
}

/// A channel and a token.
struct Slack {
    channel: String,
    token: Secret,
    base_url: String,
    /// Names the token in buckets: 64 bits of its SHA-256, from which it cannot be had.
    token_name: String,
    /// In place of Slack's limits.
    messages_per_second: Option<u32>,
}

impl Slack {
    fn new(
        channel: String,
        token: Secret,
        base_url: String,
        messages_per_second: Option<u32>,
    ) -> Slack {
        Slack {
            token_name: account_name(&base_url, &token),
            channel,
            token,
            base_url,
            messages_per_second,
        }
    }

    fn call(&self, method: &str, body: &Value) -> Next {
        // Without the charset Slack warns about it in each answer.
        let url = format!("{}/api/{method}", self.base_url);
        let request = HttpRequest::new(http::Method::POST, url, body.to_string())
            .header("content-type", "application/json; charset=utf-8")
            .secret_header(
                "authorization",
                Secret::new(format!("Bearer {}", self.token.expose())),
            );
        Next::request(request)
    }

    fn request(&self, task: &Task<'_>) -> Next {
        match plan(task) {
            Call::Post => {
                let message = message(task, task.alert.status);
                self.call(
                    "chat.postMessage",
                    &json!({
                        "channel": self.channel,
                        "text": message.text,
                        "attachments": message.attachments,
                        "link_names": false,
                        "unfurl_links": false,
                        "unfurl_media": false,
                    }),
                )
            }
            // Slack keeps attachments that an update leaves out, and sets `parse` and `link_names` back to their
            // defaults, of which `parse` differs from a post's (chat.update's page, read 2026-11).
            Call::Update { channel, ts } => {
                let message = message(task, task.alert.status);
                self.call(
                    "chat.update",
                    &json!({
                        "channel": channel,
                        "ts": ts,
                        "text": message.text,
                        "attachments": message.attachments,
                        "parse": "none",
                        "link_names": false,
                    }),
                )
            }
            Call::Reply { channel, ts } => self.call(
                "chat.postMessage",
                &json!({
                    "channel": channel,
                    "thread_ts": ts,
                    // A reply that nobody sees reminds nobody.
                    "reply_broadcast": true,
                    "text": reminder(task),
                    "link_names": false,
                    "unfurl_links": false,
                    "unfurl_media": false,
                }),
            ),
        }
    }

    fn judge(&self, reply: &Reply, is_post: bool, now: Timestamp) -> Finish {
        let judge = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now,
            overrides: &[],
        };
        match reply {
            Ok(reply) => judge::web_api(&judge, reply, is_post),
            Err(error) => judge.transport(error),
        }
    }
}

/// The call that a task needs.
enum Call<'a> {
    Post,
    Update { channel: &'a str, ts: &'a str },
    Reply { channel: &'a str, ts: &'a str },
}

/// Every verb shows the alert's present state in its one message; a reminder answers to it.
fn plan<'a>(task: &Task<'a>) -> Call<'a> {
    match (task.handle.and_then(judge::place), task.verb) {
        (None, _) => Call::Post,
        (Some((channel, ts)), Verb::Remind) => Call::Reply { channel, ts },
        (Some((channel, ts)), _) => Call::Update { channel, ts },
    }
}

impl Sink for Slack {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        match step.reply {
            None => self.request(task),
            Some(reply) => {
                Next::Finish(self.judge(reply, matches!(plan(task), Call::Post), task.now))
            }
        }
    }

    fn probe(&self, step: Step<'_>) -> Option<Next> {
        Some(match step.reply {
            None => self.call("auth.test", &json!({})),
            // Without a clock here a date in Retry-After counts as now.
            Some(reply) => Next::Finish(self.judge(reply, false, Timestamp::NEVER)),
        })
    }

    /// Slack, "Rate limits", read 2026-11: posts about one a second and channel with bursts, and several hundred a
    /// minute and workspace; chat.update is tier 3, 50 a minute and workspace. A token belongs to one workspace.
    fn paces(&self, task: &Task<'_>) -> Vec<Pace> {
        let name = &self.token_name;
        if let Some(number) = self.messages_per_second {
            let word = match plan(task) {
                Call::Update { .. } => "update",
                Call::Post | Call::Reply { .. } => "post",
            };
            // A second's worth at once: whoever takes so many a second takes them in any order.
            let every_ms = i64::from(1000 / number.max(1));
            return vec![pace(format!("slack:{word}:{name}"), every_ms, number)];
        }
        let posts = |channel: &str| {
            vec![
                pace(format!("slack:post:{name}:{channel}"), 1000, 4),
                pace(format!("slack:post:{name}"), 200, 20),
            ]
        };
        match plan(task) {
            Call::Post => posts(&self.channel),
            Call::Reply { channel, .. } => posts(channel),
            Call::Update { .. } => vec![pace(format!("slack:update:{name}"), 1200, 10)],
        }
    }

    fn target(&self) -> String {
        self.channel.clone()
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.token]
    }
}

fn pace(bucket: String, every_ms: i64, burst: u32) -> Pace {
    Pace {
        bucket,
        every: DurationMs(every_ms),
        burst,
    }
}

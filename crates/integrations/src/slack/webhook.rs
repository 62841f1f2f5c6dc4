//! `slack_webhook`: an incoming webhook. It answers no `ts`, so its messages cannot be edited: each state that is told
//! is a message of its own, and values that only change are not told.

use std::sync::Arc;

use model::{Capabilities, DurationMs, Manner, Secret, Status, Timestamp, Verb};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use wire::http::{HttpRequest, host_of};

use super::errors::SENTENCES;
use super::judge::incoming_webhook;
use super::render::{message, reminder};
use crate::kit::{
    Edition, Finish, Judge, Next, Pace, Reply, SecretText, SettingsError, SettingsMap, Sink,
    SinkKind, SinkManifest, Step, Task, address, parse_settings,
};

/// The kind `slack_webhook`.
pub static SLACK_WEBHOOK: SlackWebhookKind = SlackWebhookKind;

static MANIFEST: SinkManifest = SinkManifest {
    name: "slack_webhook",
    vendor: "slack",
    title: "Slack incoming webhook",
    about: "A message in the webhook's channel when an alert opens, is acknowledged, and closes. It cannot edit its messages: choose `slack` for one message an alert.",
    docs: "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (read 2026-11)",
    manner: Manner::Lifecycle,
    can: Capabilities {
        update: false,
        ack: true,
        unack: true,
        note: false,
        assign: false,
        snooze: false,
        ignores_unknown_close: false,
        idempotent: false,
        // A late message is only one message more.
        late_request_changes_state: false,
        pages: false,
    },
    setup: &[
        "At api.slack.com/apps choose Create New App, from scratch; name it and pick your workspace.",
        "Under Incoming Webhooks switch them on, choose Add New Webhook, and pick the channel.",
        "Copy the webhook's address and enter it here. Whoever has it can post: it is kept like a password.",
        "Test the integration: a message appears in the channel.",
    ],
    errors: &SENTENCES,
    schema: || schemars::schema_for!(SlackWebhookSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `slack_webhook`.
#[derive(Deserialize, JsonSchema)]
struct SlackWebhookSettings {
    /// The webhook's whole address, as Slack shows it: `https://hooks.slack.com/services/…`. It names the channel and is the credential too.
    #[schemars(extend("x-setting" = "target"))]
    url: SecretText,
}

/// The kind itself.
pub struct SlackWebhookKind;

impl SinkKind for SlackWebhookKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: SlackWebhookSettings = parse_settings(settings)?;
        let url = address::http_url("url", settings.url.expose()).map_err(|error| vec![error])?;
        let path = url.path().to_owned();
        if path.len() < 2 {
            return Err(vec![SettingsError::new(
                "url",
                "this address has no path: copy the webhook's whole address",
            )]);
        }
        let digest = Sha256::digest(url.as_str());
        Ok(Arc::new(SlackWebhook {
            name: hex::encode(&digest[..8]),
            path: Secret::new(path),
            url: Secret::new(url),
        }))
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({ "url": format!("{base_url}/slack/services/T0EXAMPLE/B0EXAMPLE/exampleExampleExample") });
        settings.as_object().cloned().unwrap_or_default()
    }

    /// The words stand alone in the body; each has its status, 400 is the commonest.
    fn example_error(&self, code: &str) -> (u16, String) {
        (400, code.to_owned())
    }
}

struct SlackWebhook {
    url: Secret,
    /// The part of the address that is secret; answers may repeat it alone.
    path: Secret,
    /// Names the address in buckets.
    name: String,
}

impl SlackWebhook {
    fn judge(&self, reply: &Reply, now: Timestamp) -> Finish {
        let judge = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now,
            overrides: &[],
        };
        match reply {
            Ok(reply) => incoming_webhook(&judge, reply),
            Err(error) => judge.transport(error),
        }
    }

    fn request(&self, task: &Task<'_>) -> Next {
        let body = match task.verb {
            Verb::Remind => json!({ "text": reminder(task) }),
            verb => {
                let message = message(task, shown_status(verb, task.alert.status));
                json!({ "text": message.text, "attachments": message.attachments })
            }
        };
        Next::request(HttpRequest::post_json(self.url.expose(), body.to_string()))
    }
}

/// An opening that is told after the alert closed (its close follows) shows it open; all else shows it as it is.
fn shown_status(verb: Verb, status: Status) -> Status {
    match (verb, status) {
        (Verb::Open, Status::Closed) => Status::Open,
        (_, status) => status,
    }
}

impl Sink for SlackWebhook {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        match step.reply {
            None => self.request(task),
            Some(reply) => Next::Finish(self.judge(reply, task.now)),
        }
    }

    /// Every request to an incoming webhook posts.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    /// Slack, "Rate limits", read 2026-11: about one message a second and webhook, short bursts more.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        vec![Pace {
            bucket: format!("slack:webhook:{}", self.name),
            every: DurationMs(1000),
            burst: 4,
        }]
    }

    fn target(&self) -> String {
        host_of(self.url.expose())
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.url, &self.path]
    }
}

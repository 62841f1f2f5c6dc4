//! `hipchat`: settings, requests, answers.
//!
//! A notification cannot be changed: each event of an alert's is one of its own. A repeated request is a second
//! notification (I7).

use std::sync::Arc;

use model::{Capabilities, DurationMs, Manner, Outcome, Secret, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use wire::http::{HttpReply, HttpRequest, host_of};

use super::render::notification;
use crate::kit::{
    Edition, ErrorSentence, Finish, Judge, Next, Pace, SecretText, SettingsError, SettingsMap,
    Sink, SinkKind, SinkManifest, Step, Task, account_name, address, pace, parse_settings,
};

/// The kind `hipchat`.
pub static HIPCHAT: HipChatKind = HipChatKind;

/// A room's name in characters.
const ROOM_CHARS_MAX: usize = 100;
/// A reset further away than a day is not believed.
const RESET_MS_MAX: i64 = 24 * 3_600_000;

static MANIFEST: SinkManifest = SinkManifest {
    name: "hipchat",
    vendor: "hipchat",
    title: "HipChat",
    about: "Every event of an alert, in order, as a notification in a room of a HipChat server. A notification cannot be acknowledged or closed: an acknowledgement and an end are notifications that say so.",
    docs: "HipChat API v2, room notifications (Atlassian took its pages down; third parties' programs, read 2026-11)",
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
        "On your HipChat server, open the room's administration and under Tokens make one with the scope Send Notification.",
        "Enter the server's address, the room's id or name, and the token here.",
        "If the server lies in a private range, list that range under `egress.allow` in the hub's configuration.",
        "Test the integration: a notification appears in the room.",
    ],
    errors: &[
        ErrorSentence {
            code: "400",
            sentence: "HipChat refuses the notification as it is (400): its answer says why.",
        },
        ErrorSentence {
            code: "401",
            sentence: "HipChat does not know the token (401): make a new one for the room and set it.",
        },
        ErrorSentence {
            code: "403",
            sentence: "The token may not post to this room (403): it needs the scope Send Notification, and must be the room's own or its user a member.",
        },
        ErrorSentence {
            code: "404",
            sentence: "HipChat has no such room (404): check `room` and `base_url`.",
        },
        ErrorSentence {
            code: "429",
            sentence: "HipChat has had enough notifications for now (429).",
        },
    ],
    schema: || schemars::schema_for!(HipChatSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::CloudGone,
};

/// Settings of `hipchat`.
#[derive(Deserialize, JsonSchema)]
struct HipChatSettings {
    /// The room: its id or its name.
    #[schemars(extend("x-setting" = "target"))]
    room: String,
    /// A token of the room or of a user, with the scope Send Notification.
    #[schemars(extend("x-setting" = "credential"))]
    token: SecretText,
    /// The server's address; `/v2/room/…/notification` follows it.
    #[schemars(extend("x-setting" = "target"))]
    base_url: String,
    /// Whether an alert that opens calls the people in the room (sound, badge).
    #[serde(default = "yes")]
    notify: bool,
}

fn yes() -> bool {
    true
}

fn room(text: &str) -> Result<String, SettingsError> {
    let text = text.trim();
    let is_plain = |c: char| !c.is_control() && c != '/';
    let is_long = text.chars().count() > ROOM_CHARS_MAX;
    // A single dot would vanish from the address.
    if text.is_empty() || text == "." || text == ".." || is_long || !text.chars().all(is_plain) {
        return Err(SettingsError::new("room", "give the room's id or its name"));
    }
    Ok(text.to_owned())
}

/// The kind itself.
pub struct HipChatKind;

impl SinkKind for HipChatKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: HipChatSettings = parse_settings(settings)?;
        let token = settings.token.expose();
        let is_key = !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic());
        let token_problem = (!is_key).then(|| {
            SettingsError::new("token", "this is no token: copy it again, without spaces")
        });
        let room = room(&settings.room);
        let base = address::base_url("base_url", &settings.base_url);
        match (room, base, token_problem) {
            (Ok(room), Ok(base_url), None) => {
                let mut url = address::http_url("base_url", &base_url).map_err(|e| vec![e])?;
                if let Ok(mut path) = url.path_segments_mut() {
                    path.pop_if_empty();
                    path.extend(["v2", "room", &room, "notification"]);
                }
                Ok(Arc::new(HipChat {
                    account: account_name(url.as_str(), &settings.token.0),
                    url: url.into(),
                    room,
                    token: settings.token.0,
                    notify: settings.notify,
                }))
            }
            (room, base, token_problem) => {
                let others = [room.err(), base.err(), token_problem];
                Err(others.into_iter().flatten().collect())
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "room": "Ops Room",
            "token": "exampleExampleExampleExampleExampleExample",
            "base_url": format!("{base_url}/hipchat"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        let status: u16 = code.parse().unwrap_or(400);
        let error = json!({ "code": status, "message": "refused", "type": "Refused" });
        (status, json!({ "error": error }).to_string())
    }
}

/// A room of a server.
pub struct HipChat {
    /// Of its notifications.
    url: String,
    room: String,
    token: Secret,
    /// Names the token in buckets.
    account: String,
    pub notify: bool,
}

impl HipChat {
    fn judge(&self, reply: &HttpReply, now: Timestamp) -> Finish {
        let judge = self.common(now);
        let mut finish = match reply.status {
            // The token is known, its scope is not enough.
            403 => {
                let sentence = judge.sentence("403").unwrap_or_default();
                judge.finish(Outcome::ScopeMissing, Some(403), sentence, &reply.text())
            }
            _ => judge.http(reply),
        };
        // 204 has no body: a page comes from something in between.
        if finish.outcome == Outcome::Delivered && reply.text().trim_start().starts_with('<') {
            let sentence =
                "The answer is not one of HipChat's: check `base_url`, or a proxy in between.";
            finish = judge.finish(
                Outcome::Ambiguous,
                Some(reply.status),
                sentence,
                &reply.text(),
            );
        }
        if finish.outcome == (Outcome::Throttled { after_ms: None }) {
            finish.outcome = Outcome::Throttled {
                after_ms: until_reset(reply, now).map(|wait| wait.0),
            };
        }
        finish
    }

    fn common(&self, now: Timestamp) -> Judge<'_> {
        Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now,
            overrides: &[],
        }
    }
}

/// `X-Ratelimit-Reset`: the second, since 1970, at which the period begins anew.
fn until_reset(reply: &HttpReply, now: Timestamp) -> Option<DurationMs> {
    let reset = reply
        .header("x-ratelimit-reset")?
        .trim()
        .parse::<i64>()
        .ok()?;
    let wait = reset.saturating_mul(1000).saturating_sub(now.0);
    (0..=RESET_MS_MAX)
        .contains(&wait)
        .then_some(DurationMs(wait))
}

impl Sink for HipChat {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        match step.reply {
            None => {
                let key = Secret::new(format!("Bearer {}", self.token.expose()));
                let body = notification(self, task).to_string();
                Next::request(
                    HttpRequest::post_json(self.url.as_str(), body)
                        .secret_header("authorization", key),
                )
            }
            Some(Ok(reply)) => Next::Finish(self.judge(reply, task.now)),
            Some(Err(error)) => Next::Finish(self.common(task.now).transport(error)),
        }
    }

    /// A token with the scope that is needed may do nothing but post.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    /// HipChat's cloud took 30 notifications a minute of one token (remembered); a server's own limit is told by its 429.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        vec![pace(format!("hipchat:room:{}", self.account), 2000, 10)]
    }

    fn target(&self) -> String {
        format!("{} at {}", self.room, host_of(&self.url))
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.token]
    }
}

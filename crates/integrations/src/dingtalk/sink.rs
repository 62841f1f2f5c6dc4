//! `dingtalk`: settings, signing.
//!
//! Rules of the wire: DingTalk's developer documentation, "Custom robot access" and "Custom robot security settings", read
//! 2026-11: token, time and signature stand in the address. There is no idempotency key (I7).

use std::sync::Arc;

use model::{Capabilities, DurationMs, Manner, Secret, Timestamp, Verb};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::byte_serialize;
use wire::http::{HttpRequest, host_of};
use wire::signatures::sign_dingtalk;

use super::judge::{self, SENTENCES};
use super::render::{message, reminder};
use crate::kit::buckets::{check_per_minute, name_of};
use crate::kit::{
    Edition, Judge, Next, Pace, SecretText, SettingsError, SettingsMap, Sink, SinkKind,
    SinkManifest, Step, Task, address, parse_settings,
};

/// The kind `dingtalk`.
pub static DINGTALK: DingTalkKind = DingTalkKind;

static MANIFEST: SinkManifest = SinkManifest {
    name: "dingtalk",
    vendor: "dingtalk",
    title: "DingTalk",
    about: "A text in a group for each event of an alert, through a custom robot. A robot cannot change what it has said, and may say 20 things a minute: choose `notify_on` to get fewer.",
    docs: "https://open.dingtalk.com/document/robots/custom-robot-access (read 2026-11)",
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
        // A late text is only one text more.
        late_request_changes_state: false,
        pages: false,
    },
    setup: &[
        "In DingTalk, open the group's settings, Bots, Add Robot, and choose Custom.",
        "Under security settings choose the additional signature, and copy the secret; it begins with SEC.",
        "Finish, and copy the webhook's address.",
        "Enter the address (or the token in it) and the secret here. Whoever has both can post: they are kept like passwords.",
        "If the robot has keywords, enter one of them as `keyword`; if it has an IP list, add this machine's public address there.",
        "Test the integration: a text appears in the group.",
    ],
    errors: &SENTENCES,
    schema: || schemars::schema_for!(DingTalkSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `dingtalk`.
#[derive(Deserialize, JsonSchema)]
struct DingTalkSettings {
    /// The robot's access token, or the whole address that DingTalk shows. It names the group and is a credential too.
    #[schemars(extend("x-setting" = "target"))]
    access_token: SecretText,
    /// The secret of the additional signature; it begins with `SEC`. Without it the messages are not signed, and the robot needs keywords or an IP list.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    secret: Option<SecretText>,
    /// One of the robot's keywords, if it has some: it stands in each message.
    #[serde(default)]
    keyword: Option<String>,
    /// Where DingTalk's API is; `/robot/send` follows it. Change it only for a proxy or a test.
    #[serde(default = "oapi_dingtalk_com")]
    #[schemars(extend("x-setting" = "target"))]
    base_url: String,
    /// How many messages a minute at most. DingTalk takes 20 from a robot, and more silence it for ten minutes.
    #[serde(default = "usual_pace")]
    #[schemars(range(min = 1, max = 60_000))]
    messages_per_minute: u32,
}

fn oapi_dingtalk_com() -> String {
    "https://oapi.dingtalk.com".to_owned()
}

fn usual_pace() -> u32 {
    20
}

/// Longest keyword in characters: robots' keywords are words.
const KEYWORD_CHARS_MAX: usize = 100;

/// The kind itself.
pub struct DingTalkKind;

impl SinkKind for DingTalkKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: DingTalkSettings = parse_settings(settings)?;
        let token = access_token(settings.access_token.expose());
        let secret = match settings.secret {
            Some(secret) if secret.expose().trim().is_empty() => Err(SettingsError::new(
                "secret",
                "the secret is empty: leave it out, or give one",
            )),
            secret => Ok(secret.map(|secret| Secret::new(secret.expose().trim()))),
        };
        let keyword = keyword(settings.keyword.as_deref());
        let base_url = address::base_url("base_url", &settings.base_url);
        let pace = check_per_minute(settings.messages_per_minute);
        match (token, secret, keyword, base_url, pace) {
            (Ok(token), Ok(secret), Ok(keyword), Ok(base_url), Ok(messages_per_minute)) => {
                Ok(Arc::new(DingTalk {
                    name: name_of(&token),
                    given: settings.access_token.0,
                    token,
                    secret,
                    keyword,
                    base_url,
                    messages_per_minute,
                }))
            }
            (token, secret, keyword, base_url, pace) => {
                let errors = [
                    token.err(),
                    secret.err(),
                    keyword.err(),
                    base_url.err(),
                    pace.err(),
                ];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "access_token": "example0example1example2example3example4",
            "secret": "SECexample5example6example7example8",
            "base_url": format!("{base_url}/dingtalk"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        judge::example(code)
    }
}

/// The token alone, also where the whole address was given.
fn access_token(text: &str) -> Result<Secret, SettingsError> {
    let problem = |what: &str| Err(SettingsError::new("access_token", what));
    let text = text.trim();
    let token = if text.contains("://") {
        let url = address::http_url("access_token", text)?;
        let found = url.query_pairs().find(|(name, _)| name == "access_token");
        match found {
            Some((_, value)) => value.into_owned(),
            None => return problem("the address has no `access_token`: copy it whole"),
        }
    } else {
        text.to_owned()
    };
    if token.starts_with("SEC") {
        return problem(
            "this is the signature's secret: enter it as `secret`, and here the token of the robot's address",
        );
    }
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return problem("this is no robot's token: it has letters and digits only");
    }
    Ok(Secret::new(token))
}

fn keyword(text: Option<&str>) -> Result<Option<String>, SettingsError> {
    let keyword = text.map(wire::text::one_line);
    if let Some(word) = &keyword
        && (word.is_empty() || word.chars().count() > KEYWORD_CHARS_MAX)
    {
        let problem = format!(
            "give one of the robot's keywords, at most {KEYWORD_CHARS_MAX} characters, or leave it out"
        );
        return Err(SettingsError::new("keyword", problem));
    }
    Ok(keyword)
}

struct DingTalk {
    token: Secret,
    /// As it was written: the token or the whole address.
    given: Secret,
    secret: Option<Secret>,
    keyword: Option<String>,
    base_url: String,
    messages_per_minute: u32,
    /// Names the robot in buckets.
    name: String,
}

impl DingTalk {
    /// The address for a request at this time: a signature is good for an hour.
    fn url(&self, now: Timestamp) -> String {
        let mut url = format!(
            "{}/robot/send?access_token={}",
            self.base_url,
            self.token.expose()
        );
        if let Some(secret) = &self.secret {
            let sign = sign_dingtalk(secret, now);
            let sign: String = byte_serialize(sign.as_bytes()).collect();
            url.push_str(&format!("&timestamp={}&sign={sign}", now.0));
        }
        url
    }
}

impl Sink for DingTalk {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let Some(reply) = step.reply else {
            let keyword = self.keyword.as_deref();
            let body = match task.verb {
                Verb::Remind => reminder(task, keyword),
                _ => message(task, keyword),
            };
            let request = HttpRequest::post_json(self.url(task.now), body.to_string());
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

    /// Every request to a robot is a message.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    /// Never more in any minute than may be sent: what may go at once is taken from what may follow.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        let number = self.messages_per_minute;
        let burst = (number / 4).max(1);
        let follow = i64::from((number - burst).max(1));
        vec![Pace {
            bucket: format!("dingtalk:{}", self.name),
            every: DurationMs((60_000 / follow).max(1)),
            burst,
        }]
    }

    fn target(&self) -> String {
        format!("a robot at {}", host_of(&self.base_url))
    }

    fn secrets(&self) -> Vec<&Secret> {
        let mut secrets = vec![&self.token, &self.given];
        secrets.extend(&self.secret);
        secrets
    }
}

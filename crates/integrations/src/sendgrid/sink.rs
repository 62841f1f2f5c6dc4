//! `sendgrid`: settings, requests, the day's recipients.
//!
//! A mail cannot be changed: each event of an alert's is one of its own, in one thread. A repeated request is a second
//! mail (I7); it has the same Message-ID, by which some mail programs drop it.

use std::sync::Arc;

use model::{Capabilities, Manner, Secret, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::http::HttpRequest;
use wire::text::one_line;

use super::address::{Recipients, address as mail_address, recipients};
use super::judge::judge;
use super::render::{mail, trial};
use crate::kit::{
    Edition, ErrorSentence, Finish, Judge, Next, Pace, Reply, SecretText, SettingsError,
    SettingsMap, Sink, SinkKind, SinkManifest, Step, Task, account_name, address, pace,
    parse_settings,
};

/// The kind `sendgrid`.
pub static SENDGRID: SendGridKind = SendGridKind;

const DAY_MS: i64 = 86_400_000;
/// A larger limit is none: the bucket counts whole milliseconds.
const DAILY_LIMIT_MAX: u32 = 10_000_000;
/// The name beside the sender's address, in characters.
const NAME_CHARS_MAX: usize = 100;

static MANIFEST: SinkManifest = SinkManifest {
    name: "sendgrid",
    vendor: "sendgrid",
    title: "SendGrid",
    about: "Every event of an alert, in order, as a mail; those of one alert are one thread. A mail cannot be acknowledged or closed: an acknowledgement and an end are mails that say so.",
    docs: "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send (read 2026-11)",
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
        "In SendGrid, under Settings, Sender Authentication, authenticate the domain of your sender's address (Domain Authentication), or verify that one address.",
        "Under Settings, API Keys, create a key with Restricted Access and full access to Mail Send; copy it, it is shown once. It begins with SG.",
        "Enter the key, the sender and the recipients here. An account of the EU region also needs `region: eu`.",
        "Set `daily_limit` to what your plan allows in a day; the free one allows 100 mails, and each recipient counts.",
        "Test the integration: a mail arrives at every recipient.",
    ],
    errors: &[
        ErrorSentence {
            code: "401",
            sentence: "SendGrid does not know the API key (401): make a new one and set it.",
        },
        ErrorSentence {
            code: "credits",
            sentence: "The SendGrid account has used up its mails for now (Maximum credits exceeded): what is owed is held and tried again each hour. Set `daily_limit` to the plan's, or take a larger plan.",
        },
        ErrorSentence {
            code: "403",
            sentence: "The API key may not send mail (403): give it full access to Mail Send.",
        },
        ErrorSentence {
            code: "sender",
            sentence: "SendGrid does not accept the sender (403): under Sender Authentication, authenticate the domain of `from` or verify the address.",
        },
        ErrorSentence {
            code: "addresses",
            sentence: "SendGrid does not accept one of the addresses (400): check `to`, `from` and `reply_to`.",
        },
        ErrorSentence {
            code: "400",
            sentence: "SendGrid refuses the mail as it is (400): its answer says why.",
        },
        ErrorSentence {
            code: "404",
            sentence: "There is no SendGrid at this address (404): check `region` and `base_url`.",
        },
        ErrorSentence {
            code: "413",
            sentence: "The mail is too large for SendGrid (413).",
        },
        ErrorSentence {
            code: "429",
            sentence: "SendGrid has had enough requests for now (429).",
        },
    ],
    schema: || schemars::schema_for!(SendGridSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `sendgrid`.
#[derive(Deserialize, JsonSchema)]
struct SendGridSettings {
    /// Who gets the mails: up to 100 addresses, as a list or as one text with commas.
    #[schemars(extend("x-setting" = "target"))]
    to: Recipients,
    /// The sender's address; its domain, or the address itself, must be authenticated in SendGrid.
    from: String,
    /// An API key with full access to Mail Send; it begins with `SG.`
    #[schemars(extend("x-setting" = "credential"))]
    api_key: SecretText,
    /// The name beside the sender's address.
    #[serde(default = "campanile")]
    from_name: String,
    /// Where answers go, if not to the sender.
    #[serde(default)]
    reply_to: Option<String>,
    /// How many mails the account may send in a day, each recipient counted: so many at once, then one each so-many-th part of a day; beyond it mails are held. Integrations with the same key share it. 0: no limit of ours.
    #[serde(default = "free_plan")]
    daily_limit: u32,
    /// Where the account is: `global` or `eu`.
    #[serde(default = "global")]
    #[schemars(extend("x-setting" = "target"))]
    region: String,
    /// Where SendGrid's API is, in place of the region's; `/v3/mail/send` follows it. Set it only for a proxy or a test.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    base_url: Option<String>,
}

fn campanile() -> String {
    "Campanile".to_owned()
}

fn global() -> String {
    "global".to_owned()
}

/// P11: the free plan has 100 a day.
fn free_plan() -> u32 {
    100
}

fn base_url(settings: &SendGridSettings) -> Result<String, SettingsError> {
    let of_region = match settings.region.trim().to_ascii_lowercase().as_str() {
        "global" | "us" => "https://api.sendgrid.com",
        "eu" => "https://api.eu.sendgrid.com",
        _ => return Err(SettingsError::new("region", "it is `global` or `eu`")),
    };
    match &settings.base_url {
        Some(url) => address::base_url("base_url", url),
        None => Ok(of_region.to_owned()),
    }
}

fn key_problem(key: &str) -> Option<SettingsError> {
    let is_good = !key.is_empty() && key.chars().all(|c| c.is_ascii_graphic());
    let problem = "this is no API key: copy it again, without `Bearer` and spaces";
    (!is_good).then(|| SettingsError::new("api_key", problem))
}

fn limit_problem(limit: u32, recipients: usize) -> Option<SettingsError> {
    let problem = |what: String| Some(SettingsError::new("daily_limit", what));
    if limit > DAILY_LIMIT_MAX {
        return problem(format!("it is at most {DAILY_LIMIT_MAX}; 0 is no limit"));
    }
    if limit > 0 && recipients > limit as usize {
        return problem(format!(
            "one mail has {recipients} recipients, so no mail could ever be sent"
        ));
    }
    None
}

/// The kind itself.
pub struct SendGridKind;

impl SinkKind for SendGridKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: SendGridSettings = parse_settings(settings)?;
        let to = recipients("to", &settings.to);
        let from = mail_address("from", &settings.from);
        let reply_to = settings
            .reply_to
            .as_ref()
            .map(|text| mail_address("reply_to", text))
            .transpose();
        let base_url = base_url(&settings);
        let mut problems: Vec<SettingsError> =
            key_problem(settings.api_key.expose()).into_iter().collect();
        problems.extend(limit_problem(
            settings.daily_limit,
            to.as_ref().map_or(0, Vec::len),
        ));
        if settings.from_name.chars().count() > NAME_CHARS_MAX {
            problems.push(SettingsError::new(
                "from_name",
                "it has at most 100 characters",
            ));
        }
        match (to, from, reply_to, base_url) {
            (Ok(to), Ok(from), Ok(reply_to), Ok(base_url)) if problems.is_empty() => {
                Ok(Arc::new(SendGrid {
                    account: account_name(&base_url, &settings.api_key.0),
                    to,
                    from,
                    from_name: one_line(&settings.from_name),
                    reply_to,
                    daily_limit: settings.daily_limit,
                    api_key: settings.api_key.0,
                    base_url,
                }))
            }
            (to, from, reply_to, base_url) => {
                let others = [to.err(), from.err(), reply_to.err(), base_url.err()];
                problems.extend(others.into_iter().flatten());
                Err(problems)
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "to": ["ops@example.com", "anna@example.com"],
            "from": "alerts@example.com",
            "api_key": "SG.exampleExampleExample.exampleExampleExampleExample",
            "base_url": format!("{base_url}/sendgrid"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    /// Some of SendGrid's errors share a status and differ by message or field.
    fn example_error(&self, code: &str) -> (u16, String) {
        let (status, message, field) = match code {
            "credits" => (401, "Maximum credits exceeded", None),
            "sender" => (
                403,
                "The from address does not match a verified Sender Identity.",
                Some("from"),
            ),
            "addresses" => (400, "Does not contain a valid address.", Some("from.email")),
            other => (other.parse().unwrap_or(400), "refused", None),
        };
        let body = json!({ "errors": [{ "message": message, "field": field, "help": null }] });
        (status, body.to_string())
    }
}

/// A key, a sender and those who get the mails.
pub struct SendGrid {
    pub to: Vec<String>,
    pub from: String,
    pub from_name: String,
    pub reply_to: Option<String>,
    /// 0: none.
    daily_limit: u32,
    api_key: Secret,
    base_url: String,
    /// Names the account in buckets.
    account: String,
}

impl SendGrid {
    fn post(&self, mail: &Value) -> Next {
        let url = format!("{}/v3/mail/send", self.base_url);
        let key = Secret::new(format!("Bearer {}", self.api_key.expose()));
        let request =
            HttpRequest::post_json(url, mail.to_string()).secret_header("authorization", key);
        Next::request(request)
    }

    fn judge(&self, reply: &Reply, now: Option<Timestamp>) -> Finish {
        let common = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            // Without a clock a date in Retry-After counts as now.
            now: now.unwrap_or(Timestamp::NEVER),
            overrides: &[],
        };
        match reply {
            Ok(reply) => judge(&common, reply, now),
            Err(error) => common.transport(error),
        }
    }
}

impl Sink for SendGrid {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        match step.reply {
            None => self.post(&mail(self, task)),
            Some(reply) => Next::Finish(self.judge(reply, Some(task.now))),
        }
    }

    /// A mail in sandbox mode: checked as any other, and not sent.
    fn probe(&self, step: Step<'_>) -> Option<Next> {
        Some(match step.reply {
            None => self.post(&trial(self)),
            Some(reply) => Next::Finish(self.judge(reply, None)),
        })
    }

    /// P11: each recipient takes one of the day's. SendGrid's other limits are not published; its 429 tells them.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        if self.daily_limit == 0 {
            return Vec::new();
        }
        let every_ms = (DAY_MS / i64::from(self.daily_limit)).max(1);
        let one = pace(
            format!("sendgrid:day:{}:{}", self.account, self.daily_limit),
            every_ms,
            self.daily_limit,
        );
        // A bucket gives one for each time that it is named.
        vec![one; self.to.len()]
    }

    fn target(&self) -> String {
        match self.to.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [one, others @ ..] => format!("{one} and {} more", others.len()),
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.api_key]
    }
}

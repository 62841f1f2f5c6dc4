//! `webhook`: settings, signing, judging.
//!
//! Rules of the wire: Standard Webhooks, the specification at standardwebhooks.com, read 2026-11: `webhook-id` is the
//! same for every retry, so a receiver can drop duplicates; 2xx alone is success; 410 means never again.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use model::{Capabilities, Event, Manner, Outcome, Secret, Verb};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::http::{HttpRequest, host_of};
use wire::signatures::sign_standard_webhook;

use super::form::Form;
use super::render::body;
use crate::kit::{
    Edition, ErrorSentence, Finish, Judge, Next, Pace, SecretText, SettingsError, SettingsMap,
    Sink, SinkKind, SinkManifest, Step, Task, address, parse_settings, standard_secret,
};

/// The kind `webhook`.
pub static WEBHOOK: WebhookKind = WebhookKind;

/// Extra headers: enough for a gateway's keys.
const HEADERS_MAX: usize = 20;
/// Headers that this sink or HTTP itself sets.
const HEADERS_TAKEN: [&str; 8] = [
    "content-type",
    "content-length",
    "host",
    "connection",
    "transfer-encoding",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

static MANIFEST: SinkManifest = SinkManifest {
    name: "webhook",
    vendor: "webhook",
    title: "Webhook",
    about: "Every event of an alert, in order, as a signed JSON message to an address of yours.",
    docs: "https://www.standardwebhooks.com (read 2026-11)",
    manner: Manner::Log,
    can: Capabilities {
        update: true,
        ack: true,
        unack: true,
        note: true,
        assign: true,
        snooze: true,
        ignores_unknown_close: false,
        // Receivers know a repeated message by its webhook-id.
        idempotent: true,
        late_request_changes_state: false,
        pages: false,
    },
    setup: &[
        "Let your service take POST requests with a JSON body and answer with a status of 200 to 299 within 15 seconds.",
        "Enter its address. If the address lies in a private range, list that range under `egress.allow` in the hub's configuration.",
        "Set a secret, and verify `webhook-signature` with it as Standard Webhooks describes.",
        "Keep each `webhook-id` for a while and drop what comes twice.",
    ],
    errors: &[
        ErrorSentence {
            code: "401",
            sentence: "The receiver refuses the credential (401): check the extra headers and the secret.",
        },
        ErrorSentence {
            code: "403",
            sentence: "The receiver refuses the credential (403): check the extra headers and the secret.",
        },
        ErrorSentence {
            code: "404",
            sentence: "The receiver has nothing at this address (404): check the address.",
        },
        ErrorSentence {
            code: "410",
            sentence: "The receiver wants no more messages at this address (410): set another one, or disable the integration.",
        },
    ],
    schema: || schemars::schema_for!(WebhookSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `webhook`.
#[derive(Deserialize, JsonSchema)]
struct WebhookSettings {
    /// Where the messages go; `https://` or `http://`. Kept like a password, because such addresses often are one.
    #[schemars(extend("x-setting" = "target"))]
    url: SecretText,
    /// Signs the messages: `whsec_` and base64, or any text. Without it they are not signed.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    secret: Option<SecretText>,
    /// A second secret that signs too, while receivers change from one to the other.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    secret_next: Option<SecretText>,
    /// Extra headers, such as `Authorization`, by name.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    headers: BTreeMap<String, SecretText>,
    /// The JSON body in your own form, as a Handlebars or Mustache template: `{"text": "{{alert.title}}"}`. It is given what
    /// the hub's own form has (`type`, `timestamp`, `data`), and its parts once more as `alert`, `event`, `labels` and
    /// `annotations`. Values inside a JSON string are escaped for it. If it cannot be rendered, the hub's own form is sent,
    /// and the attempt says why.
    #[serde(default)]
    template: Option<String>,
}

/// The kind itself.
pub struct WebhookKind;

impl SinkKind for WebhookKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: WebhookSettings = parse_settings(settings)?;
        let mut errors = Vec::new();
        let url = address::http_url("url", settings.url.expose())
            .map_err(|e| errors.push(e))
            .ok();
        let mut secrets = Vec::new();
        for (field, secret) in [
            ("secret", settings.secret),
            ("secret_next", settings.secret_next),
        ] {
            match secret.map(|text| standard_secret(field, &text)) {
                Some(Ok(secret)) => secrets.push(secret),
                Some(Err(error)) => errors.push(error),
                None => {}
            }
        }
        errors.extend(headers_problem(&settings.headers));
        let template = settings.template.map(|text| Form::compile(&text));
        let template = template.transpose().map_err(|e| errors.push(e)).ok();
        match (url, template) {
            (Some(url), Some(template)) if errors.is_empty() => Ok(Arc::new(Webhook {
                template,
                path: Secret::new(&url[url::Position::BeforePath..]),
                url: Secret::new(url),
                secrets,
                headers: settings
                    .headers
                    .into_iter()
                    .map(|(name, value)| (name, value.0))
                    .collect(),
            })),
            _ => Err(errors),
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "url": format!("{base_url}/webhook/alerts-4f1b7c"),
            "secret": "whsec_ZXhhbXBsZS1leGFtcGxlLWV4YW1wbGUtMQ==",
            "headers": { "X-Gateway-Key": "example-gateway-key" },
        });
        settings.as_object().cloned().unwrap_or_default()
    }
}

fn headers_problem(headers: &BTreeMap<String, SecretText>) -> Option<SettingsError> {
    let problem = |what: String| Some(SettingsError::new("headers", what));
    if headers.len() > HEADERS_MAX {
        return problem(format!("there are more than {HEADERS_MAX} headers"));
    }
    for (name, value) in headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return problem("one of the names is not a header's name".to_owned());
        }
        if HEADERS_TAKEN.contains(&name.to_ascii_lowercase().as_str()) {
            return problem(format!("`{name}` is set by the hub"));
        }
        if HeaderValue::from_str(value.expose()).is_err() {
            return problem(format!("the value of `{name}` cannot stand in a header"));
        }
    }
    None
}

struct Webhook {
    url: Secret,
    /// Path and query; answers may repeat them alone.
    path: Secret,
    /// Those that sign, in Standard Webhooks' form.
    secrets: Vec<Secret>,
    headers: Vec<(String, Secret)>,
    template: Option<Form>,
}

impl Webhook {
    fn request(&self, task: &Task<'_>) -> Next {
        let own = body(task, event(task));
        let (formed, fallback) = match self.template.as_ref().map(|form| form.render(&own)) {
            Some(Ok(formed)) => (Some(formed), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        let body = match formed.map_or_else(|| serde_json::to_vec(&own), Ok) {
            Ok(body) => body,
            Err(_) => {
                return ours(
                    "The message could not be written as JSON: this is a fault of the hub.",
                );
            }
        };
        let seconds = task.now.unix_seconds();
        let mut request = HttpRequest::post_json(self.url.expose(), body)
            .header("webhook-id", task.idempotency_key.to_owned())
            .header("webhook-timestamp", seconds.to_string());
        if !self.secrets.is_empty() {
            match sign_standard_webhook(&self.secrets, task.idempotency_key, seconds, &request.body)
            {
                Ok(signature) => request = request.header("webhook-signature", signature),
                Err(_) => return ours("The message could not be signed: set the secret again."),
            }
        }
        for (name, value) in &self.headers {
            request = request.secret_header(name.clone(), value.clone());
        }
        Next::request_with(request, fallback.map_or(Value::Null, Value::String))
    }
}

/// The event meant: the one with the verb's number, else the newest.
fn event<'a>(task: &Task<'a>) -> Option<&'a Event> {
    let seq = match task.verb {
        Verb::Event { seq, .. } | Verb::Note(seq) => Some(seq),
        _ => None,
    };
    let meant = task.events.iter().find(|e| Some(e.seq) == seq);
    meant.or(task.events.last())
}

fn ours(sentence: &str) -> Next {
    Next::Finish(Finish {
        outcome: Outcome::PayloadBad,
        handle: None,
        status: None,
        excerpt: sentence.to_owned(),
    })
}

impl Sink for Webhook {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let Some(reply) = step.reply else {
            return self.request(task);
        };
        let judge = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now: task.now,
            overrides: &[],
        };
        let mut finish = judge.judge(reply);
        if let Some(why) = step.memo.as_str() {
            finish.excerpt = format!(
                "sent in the hub's own form, because {why}. {}",
                finish.excerpt
            );
        }
        Next::Finish(finish)
    }

    /// Every request to a webhook is a message.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    /// The receiver is the operator's own; it says 429 when it has had enough.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        Vec::new()
    }

    fn target(&self) -> String {
        host_of(self.url.expose())
    }

    fn secrets(&self) -> Vec<&Secret> {
        let mut secrets = vec![&self.url, &self.path];
        secrets.extend(&self.secrets);
        secrets.extend(self.headers.iter().map(|(_, value)| value));
        secrets
    }
}

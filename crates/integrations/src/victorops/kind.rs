//! `victorops`: what the vendor is and needs, and its settings.

use std::sync::Arc;

use model::{Capabilities, Manner, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::sink::VictorOps;
use crate::kit::{
    Edition, ErrorSentence, SecretText, SettingsError, SettingsMap, Sink, SinkKind, SinkManifest,
    address, parse_settings,
};

/// The kind `victorops`.
pub static VICTOROPS: VictorOpsKind = VictorOpsKind;

pub static MANIFEST: SinkManifest = SinkManifest {
    name: "victorops",
    vendor: "victorops",
    title: "VictorOps (Splunk On-Call)",
    about: "An incident for each alert: CRITICAL or WARNING when it opens, acknowledged, and recovered when it closes. Notes and notifications are entries of the timeline and page nobody; so are alerts of severity `info`. The endpoint knows no withdrawn acknowledgement, assignment or snooze: who has an alert stands in the field `assigned_to`.",
    docs: "Splunk On-Call's documentation, \"REST endpoint integration guide\", https://help.victorops.com (read 2026-11)",
    manner: Manner::Lifecycle,
    can: Capabilities {
        update: true,
        ack: true,
        unack: false,
        note: true,
        assign: false,
        snooze: false,
        // A recovery opens nothing.
        ignores_unknown_close: true,
        // The entity's id is ours: what is said twice rolls up.
        idempotent: true,
        late_request_changes_state: true,
        pages: true,
    },
    setup: &[
        "In VictorOps open Integrations, 3rd Party Integrations, REST (Generic), and enable it.",
        "Of the Post URL that it shows, copy the part between `/alert/` and `/$routing_key`: that is the API key. Enter it here; whoever has it can page: it is kept like a password.",
        "Under Settings, Route Keys, find the key of the team that shall be paged, and enter it as `routing_key`. Without one VictorOps' default route is used; a key that it does not know goes there as well.",
        "If alerts of severity minor or warning shall open incidents, see that VictorOps is set to open them for WARNING.",
        "Test the integration: an incident is opened and recovers again.",
    ],
    errors: &ERRORS,
    schema: || schemars::schema_for!(VictorOpsSettings),
    deadline_ms: 15_000,
    // In doubt about an acknowledged incident: open it, then acknowledge it.
    requests_max: 2,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Words of a `failure`, and statuses.
static ERRORS: [ErrorSentence; 6] = [
    ErrorSentence {
        code: "Missing fields",
        sentence: "VictorOps misses fields in the message: this is a fault of the hub, please report it.",
    },
    ErrorSentence {
        code: "API key",
        sentence: "VictorOps refuses the API key: copy it again from the Post URL of the REST integration, and see that the integration is enabled.",
    },
    ErrorSentence {
        code: "failure",
        sentence: "VictorOps did not take the message, in words that this hub does not know; it will be tried again.",
    },
    ErrorSentence {
        code: "401",
        sentence: "VictorOps refuses the API key (401): copy it again from the Post URL of the REST integration.",
    },
    ErrorSentence {
        code: "403",
        sentence: "VictorOps refuses the API key (403): copy it again from the Post URL of the REST integration.",
    },
    ErrorSentence {
        code: "404",
        sentence: "VictorOps has no REST endpoint at this address (404): check `api_key`, and that the integration is enabled.",
    },
];

/// Settings of `victorops`.
#[derive(Deserialize, JsonSchema)]
struct VictorOpsSettings {
    /// The API key of the REST integration: in its Post URL the part between `/alert/` and `/$routing_key`.
    #[schemars(extend("x-setting" = "credential"))]
    api_key: SecretText,
    /// The routing key, which chooses the team. Without it VictorOps' default route is used.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    routing_key: Option<String>,
    /// Where VictorOps is; `/integrations/generic/20131114/alert/…` follows it. Change it only for a proxy, a bridge or a test.
    #[serde(default = "victorops_com")]
    #[schemars(extend("x-setting" = "target"))]
    base_url: String,
}

fn victorops_com() -> String {
    "https://alert.victorops.com".to_owned()
}

/// Longest routing key and API key: more than that no address should hold.
const KEY_CHARS_MAX: usize = 200;

/// The kind itself.
pub struct VictorOpsKind;

impl SinkKind for VictorOpsKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: VictorOpsSettings = parse_settings(settings)?;
        let api_key = api_key(&settings.api_key);
        let routing_key = settings
            .routing_key
            .as_deref()
            .map(routing_key)
            .transpose()
            .map(Option::flatten);
        let base_url = address::base_url("base_url", &settings.base_url);
        match (api_key, routing_key, base_url) {
            (Ok(api_key), Ok(routing_key), Ok(base_url)) => {
                Ok(Arc::new(VictorOps::new(api_key, routing_key, &base_url)))
            }
            (api_key, routing_key, base_url) => {
                let errors = [api_key.err(), routing_key.err(), base_url.err()];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "api_key": "3f2b8c1e-5d47-4a90-8e61-example000001",
            "routing_key": "database",
            "base_url": format!("{base_url}/victorops"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    /// VictorOps says no with 200.
    fn example_error(&self, code: &str) -> (u16, String) {
        let failure =
            |message: &str| json!({ "result": "failure", "message": message }).to_string();
        match code {
            "Missing fields" => (200, failure("Missing fields: message_type")),
            "API key" => (200, failure("Invalid API key")),
            "failure" => (200, failure("Something else")),
            status => (status.parse().unwrap_or_default(), String::new()),
        }
    }
}

/// It becomes a part of the address.
fn api_key(text: &SecretText) -> Result<Secret, SettingsError> {
    let problem = |what: &str| Err(SettingsError::new("api_key", what));
    let key = text.expose().trim();
    if key.contains('/') {
        return problem(
            "give the API key alone: in the Post URL the part between `/alert/` and `/$routing_key`",
        );
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    if key.is_empty() || key.len() > KEY_CHARS_MAX || !key.chars().all(is_plain) {
        return problem("this is no API key: it has letters, digits and hyphens only");
    }
    Ok(Secret::new(key))
}

/// M16: optional, so an empty one is none.
fn routing_key(text: &str) -> Result<Option<String>, SettingsError> {
    let problem = |what: &str| Err(SettingsError::new("routing_key", what));
    let key = text.trim();
    if key.contains('$') {
        return problem("`$routing_key` stands for the key: give the key itself, or leave it out");
    }
    if key.contains('/') || key.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return problem("a routing key has no spaces and no slashes");
    }
    if key.chars().count() > KEY_CHARS_MAX {
        return problem("a routing key has at most 200 characters");
    }
    Ok((!key.is_empty()).then(|| key.to_owned()))
}

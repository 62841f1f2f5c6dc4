//! `jsm`: manifest and settings. The requests are those of `opsgenie`.

use std::sync::Arc;

use model::{Capabilities, Manner};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::kit::{
    Edition, SecretText, SettingsError, SettingsMap, Sink, SinkKind, SinkManifest, parse_settings,
};
use crate::opsgenie::{FormSettings, Product, REQUESTS_MAX, SENTENCES, build, example_error};

/// The kind `jsm`.
pub static JSM: JsmKind = JsmKind;

static PRODUCT: Product = Product {
    manifest: &MANIFEST,
    name: "Jira Service Management",
    path: "/jsm/ops/integration",
    full: false,
};

static MANIFEST: SinkManifest = SinkManifest {
    name: "jsm",
    vendor: "jsm",
    title: "Jira Service Management",
    about: "An alert in Jira Service Management (Operations) for each alert, acknowledged and closed with it; notes follow, and an assignment becomes a note. Its integration API has no more than that: texts and priority stay as they were first told, a withdrawn acknowledgement is not told, and an alert that is shelved here is not snoozed there.",
    docs: "Atlassian's collection of requests for Jira Service Management's integration events (read 2026-11)",
    manner: Manner::Lifecycle,
    can: Capabilities {
        update: false,
        ack: true,
        unack: false,
        note: true,
        // As a note.
        assign: true,
        snooze: false,
        // It is taken with 202 and then not applied.
        ignores_unknown_close: true,
        // Alerts are known by alias.
        idempotent: true,
        late_request_changes_state: true,
        pages: true,
    },
    setup: &[
        "In Jira Service Management open Operations and the team that responds.",
        "Open Integrations, choose Add integration, and there API; give it a name and switch it on.",
        "Allow it to read, and to create and update alerts.",
        "Copy its API key and enter it here. There is one address for all regions.",
        "Test the integration: an alert appears and is closed at once.",
    ],
    errors: &SENTENCES,
    schema: || schemars::schema_for!(JsmSettings),
    deadline_ms: 8_000,
    requests_max: REQUESTS_MAX,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `jsm`.
#[derive(Deserialize, JsonSchema)]
struct JsmSettings {
    /// The API key of an API integration, best of the team that responds.
    #[schemars(extend("x-setting" = "credential"))]
    api_key: SecretText,
    /// Where Atlassian's API is; `/jsm/ops/integration/v2/alerts` follows it. Change it only for a bridge, a proxy or a test.
    #[serde(default = "atlassian_com")]
    #[schemars(extend("x-setting" = "target"))]
    base_url: String,
    #[serde(flatten)]
    form: FormSettings,
}

fn atlassian_com() -> String {
    "https://api.atlassian.com".to_owned()
}

/// The kind itself.
pub struct JsmKind;

impl SinkKind for JsmKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: JsmSettings = parse_settings(settings)?;
        build(
            &PRODUCT,
            &settings.base_url,
            settings.api_key,
            settings.form,
        )
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "api_key": "5b8e2c6d-1f47-4d0a-8a36-9e7c21b4f003",
            "base_url": format!("{base_url}/jsm"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        example_error(code)
    }
}

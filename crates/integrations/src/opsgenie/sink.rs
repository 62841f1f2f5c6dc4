//! `opsgenie`: manifest and settings.

use std::sync::Arc;

use model::{Capabilities, Manner};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api::{AlertApi, Product};
use super::form::FormSettings;
use super::manifest::SENTENCES;
use super::talk::REQUESTS_MAX;
use crate::kit::{
    Edition, SecretText, SettingsError, SettingsMap, Sink, SinkKind, SinkManifest, address,
    parse_settings,
};

/// The kind `opsgenie`.
pub static OPSGENIE: OpsgenieKind = OpsgenieKind;

static PRODUCT: Product = Product {
    manifest: &MANIFEST,
    name: "Opsgenie",
    path: "",
    full: true,
};

static MANIFEST: SinkManifest = SinkManifest {
    name: "opsgenie",
    vendor: "opsgenie",
    title: "Opsgenie",
    about: "An alert in Opsgenie for each alert, opened, updated, acknowledged, assigned, snoozed and closed with it. The end of a snooze is told as a new end a few seconds ahead, because Opsgenie has no call for it; what becomes of the alert at Opsgenie comes back by a callback or the edge connector, not by this. Atlassian ends Opsgenie on 2027-04-05; `jsm` is for its successor.",
    docs: "https://docs.opsgenie.com/docs/alert-api (read 2026-11)",
    manner: Manner::Lifecycle,
    can: Capabilities {
        update: true,
        ack: true,
        unack: true,
        note: true,
        assign: true,
        snooze: true,
        // It is taken with 202 and then not applied.
        ignores_unknown_close: true,
        // Alerts are known by alias.
        idempotent: true,
        late_request_changes_state: true,
        pages: true,
    },
    setup: &[
        "In Opsgenie open Teams and choose Add team; give it a name and its members. Alerts made with a team's key go to that team.",
        "In the team open Integrations, choose Add integration, and there API.",
        "Tick Read Access, Create and Update Access, Delete Access, and Enabled; save.",
        "Copy the API Key, which stands below Name, and enter it here with the account's region.",
        "To notify others than the key's own team, name teams, people, schedules or escalations here.",
        "Test the integration: an alert appears and is closed at once.",
    ],
    errors: &SENTENCES,
    schema: || schemars::schema_for!(OpsgenieSettings),
    deadline_ms: 8_000,
    requests_max: REQUESTS_MAX,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Where the account is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Region {
    #[default]
    Us,
    Eu,
    Sandbox,
}

impl Region {
    /// Hosts as Opsgenie's own SDK has them, read 2026-11.
    fn base_url(self) -> &'static str {
        match self {
            Region::Us => "https://api.opsgenie.com",
            Region::Eu => "https://api.eu.opsgenie.com",
            Region::Sandbox => "https://api.sandbox.opsgenie.com",
        }
    }
}

/// Settings of `opsgenie`.
#[derive(Deserialize, JsonSchema)]
struct OpsgenieSettings {
    /// The API Key of an API integration, best of the team that responds.
    #[schemars(extend("x-setting" = "credential"))]
    api_key: SecretText,
    /// Where the account is: `us`, `eu`, or `sandbox` (Opsgenie's own, for trying).
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    region: Region,
    /// Where the API is, in place of the region's address; `/v2/alerts` follows it. Set it only for a bridge, a proxy or a test.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    base_url: Option<String>,
    #[serde(flatten)]
    form: FormSettings,
}

/// The kind itself.
pub struct OpsgenieKind;

impl SinkKind for OpsgenieKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: OpsgenieSettings = parse_settings(settings)?;
        let base_url = settings
            .base_url
            .as_deref()
            .unwrap_or(settings.region.base_url());
        build(&PRODUCT, base_url, settings.api_key, settings.form)
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "api_key": "c9d1f0a2-6f1e-4a3b-9c55-0e2f4b7d8a10",
            "base_url": format!("{base_url}/opsgenie"),
            "teams": ["Operations"],
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        example_error(code)
    }
}

/// A sink of either product; every problem at once.
pub(crate) fn build(
    product: &'static Product,
    base_url: &str,
    key: SecretText,
    form: FormSettings,
) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
    let mut errors = Vec::new();
    let is_plain = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic());
    if !is_plain(key.expose()) {
        let what = "give the API Key alone, as it stands below the integration's name";
        errors.push(SettingsError::new("api_key", what));
    }
    let base_url = address::base_url("base_url", base_url).map_err(|e| errors.push(e));
    let form = form.check().map_err(|e| errors.extend(e));
    match (base_url, form) {
        (Ok(base_url), Ok(form)) if errors.is_empty() => {
            Ok(Arc::new(AlertApi::new(product, base_url, key.0, form)))
        }
        _ => Err(errors),
    }
}

/// Statuses, and codes within a 403.
pub(crate) fn example_error(code: &str) -> (u16, String) {
    let (status, code) = match code.parse() {
        Ok(code @ 40_000..) => (403, Some(code)),
        Ok(status) => (status, None),
        Err(_) => (500, None),
    };
    let status = u16::try_from(status).unwrap_or(500);
    let body = json!({ "message": "No.", "code": code.unwrap_or(status.into()), "took": 0.001 });
    (status, body.to_string())
}

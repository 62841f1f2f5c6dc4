//! `pagerduty`: its settings, and what is asked of them.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::judge;
use super::manifest::MANIFEST;
use super::rest::{Rest, check_from, check_service, check_token};
use super::settings::{Region, api_base, events_base, events_per_minute, routing_key};
use super::sink::PagerDuty;
use crate::kit::{
    SecretText, SettingsError, SettingsMap, Sink, SinkKind, SinkManifest, account_name,
    parse_settings,
};

/// The kind `pagerduty`.
pub static PAGERDUTY: PagerDutyKind = PagerDutyKind;

/// Where people acknowledge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum AcknowledgeFrom {
    /// Whoever acknowledges here expects that nobody is paged any more.
    #[default]
    Anywhere,
    /// As MongoDB has it (M6).
    PagerDuty,
}

/// Settings of `pagerduty`.
#[derive(Deserialize, JsonSchema)]
pub struct PagerDutySettings {
    /// The Integration Key (32 characters) of an Events API V2 integration of the service. It names the service and is the credential too.
    #[schemars(extend("x-setting" = "target"))]
    routing_key: SecretText,
    /// The account's service region: `us` or `eu`.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    region: Region,
    /// `anywhere`: an acknowledgement is told to PagerDuty wherever it was made, and with `api_token` its withdrawal and snoozes are too. `pagerduty`: people acknowledge in PagerDuty alone, and an acknowledgement made elsewhere is not told to it.
    #[serde(default)]
    acknowledge_from: AcknowledgeFrom,
    /// A REST API key of the account. With it notes reach PagerDuty, and unless `acknowledge_from` is `pagerduty` snoozes (at most seven days) and withdrawn acknowledgements. Pages go out whether it works or not.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    api_token: Option<SecretText>,
    /// The e-mail address of the PagerDuty user in whose name notes are written. An account's API key needs it; a user's own key does not.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    from: Option<String>,
    /// The service's id (`P…`, the last part of its page's address): needed with `api_token` only if several services of the account are told of the same alerts.
    #[serde(default)]
    service: Option<String>,
    /// Where the Events API is, in place of the region's host; `/v2/enqueue` follows it. Change it only for a proxy, a bridge or a test.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    base_url: Option<String>,
    /// Where the REST API is, in place of the region's host; `/incidents` follows it. Without it: `base_url`, if that is set.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    api_base_url: Option<String>,
    /// How many events a minute at most. Without it the hub keeps to PagerDuty's limit for one key. Set it only where `base_url` is a server that takes more or less.
    #[serde(default)]
    #[schemars(range(min = 1, max = 60000))]
    events_per_minute: Option<u32>,
}

/// The kind itself.
pub struct PagerDutyKind;

impl SinkKind for PagerDutyKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: PagerDutySettings = parse_settings(settings)?;
        let key = routing_key(&settings.routing_key);
        let base = events_base(settings.region, settings.base_url.as_deref());
        let pace = events_per_minute(settings.events_per_minute);
        let rest = rest(&settings);
        match (key, base, pace, rest) {
            (Ok(routing_key), Ok(base_url), Ok(events_per_minute), Ok(rest)) => {
                Ok(Arc::new(PagerDuty {
                    key_name: account_name(&base_url, &routing_key),
                    routing_key,
                    base_url,
                    acknowledge_from: settings.acknowledge_from,
                    rest,
                    events_per_minute,
                }))
            }
            (key, base, pace, rest) => {
                let mut errors: Vec<SettingsError> = [key.err(), base.err(), pace.err()]
                    .into_iter()
                    .flatten()
                    .collect();
                errors.extend(rest.err().unwrap_or_default());
                Err(errors)
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "routing_key": "0123456789abcdef0123456789abcdef",
            "base_url": format!("{base_url}/pagerduty"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        judge::example_error(code)
    }
}

/// The REST credential, if there is one.
fn rest(settings: &PagerDutySettings) -> Result<Option<Rest>, Vec<SettingsError>> {
    let Some(token) = &settings.api_token else {
        let alone = settings.from.as_ref().map(|_| {
            SettingsError::new("from", "it goes with `api_token`: set that too, or neither")
        });
        return alone.map_or(Ok(None), |error| Err(vec![error]));
    };
    let token = check_token(token.expose());
    let from = settings.from.as_deref().map(check_from).transpose();
    let service = settings.service.as_deref().map(check_service).transpose();
    let base = api_base(
        settings.region,
        settings.base_url.as_deref(),
        settings.api_base_url.as_deref(),
    );
    match (token, from, service, base) {
        (Ok(token), Ok(from), Ok(service), Ok(base)) => {
            Ok(Some(Rest::new(base, token, from, service)))
        }
        (token, from, service, base) => {
            let errors = [token.err(), from.err(), service.err(), base.err()];
            Err(errors.into_iter().flatten().collect())
        }
    }
}

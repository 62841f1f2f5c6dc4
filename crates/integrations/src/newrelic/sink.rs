//! `newrelic`: settings, requests.
//!
//! New Relic keeps events and changes none: each event of an alert's is one of its own, and `alertId` brings them
//! together. A repeated request is a second event (I7). One event is always smaller than the 1 MB of a request.

use std::borrow::Cow;
use std::sync::Arc;

use model::{Capabilities, Manner, Secret, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wire::http::{HttpRequest, host_of};

use super::{judge, render};
use crate::kit::{
    Edition, ErrorSentence, Judge, Next, Pace, SecretText, SettingsError, SettingsMap, Sink,
    SinkKind, SinkManifest, Step, Task, account_name, address, pace, parse_settings,
};

/// The kind `newrelic`.
pub static NEWRELIC: NewRelicKind = NewRelicKind;

/// Longest name of an event's type, in characters.
const EVENT_TYPE_CHARS_MAX: usize = 255;

static MANIFEST: SinkManifest = SinkManifest {
    name: "newrelic",
    vendor: "newrelic",
    title: "New Relic",
    about: "Every event of an alert, in order, as a custom event that NRQL can query. New Relic's events cannot be acknowledged or closed: an acknowledgement and an end are events that say so. It answers yes before it reads an event; what it dropped shows as `NrIntegrationError` there, not here.",
    docs: "https://docs.newrelic.com/docs/data-apis/ingest-apis/event-api/introduction-event-api/ (read 2026-11)",
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
        "In New Relic, under Administration, Access management, see your account's id.",
        "Under API keys, make a key of the type Ingest - License and copy it; an older Insights insert key does as well.",
        "Enter the account id, the key, and the region of your account's data (US or EU) here.",
        "An Insights query key is optional: with it the hub can check from time to time that account and region are right.",
        "Test the integration, then query: SELECT * FROM CampanileAlert SINCE 10 minutes ago. If nothing comes, ask: SELECT * FROM NrIntegrationError.",
    ],
    errors: &[
        ErrorSentence {
            code: "400",
            sentence: "New Relic refuses the event as it is (400): its answer says why.",
        },
        ErrorSentence {
            code: "401",
            sentence: "New Relic does not know the key (401): check the license or insert key, the account id and the region.",
        },
        ErrorSentence {
            code: "403",
            sentence: "New Relic does not know the key (403): check the license or insert key, the account id and the region.",
        },
        ErrorSentence {
            code: "404",
            sentence: "New Relic has nothing at this address (404): check the account id, the region and `base_url`.",
        },
        ErrorSentence {
            code: "413",
            sentence: "The event is too large for New Relic (413): it takes 1 MB.",
        },
        ErrorSentence {
            code: "429",
            sentence: "New Relic has had enough events for now (429): it takes 100,000 requests a minute of one account.",
        },
    ],
    schema: || schemars::schema_for!(NewRelicSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `newrelic`.
#[derive(Deserialize, JsonSchema)]
struct NewRelicSettings {
    /// The number of the account that gets the events.
    #[schemars(extend("x-setting" = "target"))]
    account_id: AccountId,
    /// The account's license key (Ingest - License).
    #[schemars(extend("x-setting" = "credential"))]
    license_key: SecretText,
    /// An Insights insert key, if events are to be sent with it in place of the license key.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    insert_key: Option<SecretText>,
    /// An Insights query key; with it the hub can probe the account without sending an event.
    #[serde(default)]
    #[schemars(extend("x-setting" = "credential"))]
    query_key: Option<SecretText>,
    /// Where the account's data lies: `us` or `eu`.
    #[serde(default = "us")]
    #[schemars(extend("x-setting" = "target"))]
    region: String,
    /// Where New Relic's APIs are, in place of the region's; `/v1/accounts/…/events` follows it. Set it only for a proxy or a test.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    base_url: Option<String>,
    /// The type of the events, by which NRQL finds them: letters, digits, `_` and `:`.
    #[serde(default = "campanile_alert")]
    event_type: String,
}

fn us() -> String {
    "us".to_owned()
}

fn campanile_alert() -> String {
    "CampanileAlert".to_owned()
}

/// An account's number, which people write as a number or as text.
struct AccountId(String);

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AccountId, D::Error> {
        Value::deserialize(deserializer).map(|value| match value {
            Value::String(text) => AccountId(text.trim().to_owned()),
            other => AccountId(other.to_string()),
        })
    }
}

impl JsonSchema for AccountId {
    fn schema_name() -> Cow<'static, str> {
        "AccountId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": ["string", "integer"], "pattern": "^[0-9]{1,20}$" })
    }
}

/// The addresses of events and of queries. The queries' are those of the older Insights API.
struct Bases {
    events: String,
    queries: String,
}

fn bases(region: &str, base_url: Option<&str>) -> Result<Bases, SettingsError> {
    let of_region = match region.trim().to_ascii_lowercase().as_str() {
        "us" => (
            "https://insights-collector.newrelic.com",
            "https://insights-api.newrelic.com",
        ),
        "eu" => (
            "https://insights-collector.eu01.nr-data.net",
            "https://insights-api.eu.newrelic.com",
        ),
        _ => return Err(SettingsError::new("region", "it is `us` or `eu`")),
    };
    let own = base_url
        .map(|url| address::base_url("base_url", url))
        .transpose()?;
    Ok(Bases {
        events: own.clone().unwrap_or_else(|| of_region.0.to_owned()),
        queries: own.unwrap_or_else(|| of_region.1.to_owned()),
    })
}

/// A key as it can stand in a header.
fn key(field: &'static str, text: &SecretText) -> Option<SettingsError> {
    let key = text.expose();
    let is_good = !key.is_empty() && key.chars().all(|c| c.is_ascii_graphic());
    (!is_good).then(|| SettingsError::new(field, "this is no key: copy it again, without spaces"))
}

fn problems(settings: &NewRelicSettings) -> Vec<SettingsError> {
    let mut errors = Vec::new();
    let id = &settings.account_id.0;
    if id.is_empty() || id.len() > 20 || !id.bytes().all(|b| b.is_ascii_digit()) {
        errors.push(SettingsError::new(
            "account_id",
            "it is a number of digits only",
        ));
    }
    errors.extend(key("license_key", &settings.license_key));
    let optional = [
        ("insert_key", &settings.insert_key),
        ("query_key", &settings.query_key),
    ];
    for (field, text) in optional {
        errors.extend(text.as_ref().and_then(|text| key(field, text)));
    }
    let word = &settings.event_type;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if word.is_empty() || word.len() > EVENT_TYPE_CHARS_MAX || !word.chars().all(is_plain) {
        errors.push(SettingsError::new(
            "event_type",
            "it has letters, digits, `_` and `:` only, at most 255",
        ));
    }
    errors
}

/// The kind itself.
pub struct NewRelicKind;

impl SinkKind for NewRelicKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: NewRelicSettings = parse_settings(settings)?;
        let mut errors = problems(&settings);
        match bases(&settings.region, settings.base_url.as_deref()) {
            Ok(bases) if errors.is_empty() => Ok(Arc::new(NewRelic {
                account: account_name(&bases.events, &Secret::new(settings.account_id.0.as_str())),
                account_id: settings.account_id.0,
                license_key: settings.license_key.0,
                insert_key: settings.insert_key.map(|key| key.0),
                query_key: settings.query_key.map(|key| key.0),
                bases,
                event_type: settings.event_type,
            })),
            Ok(_) => Err(errors),
            Err(error) => {
                errors.push(error);
                Err(errors)
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "account_id": 1234567,
            "license_key": "0123456789abcdef0123456789abcdef0123NRAL",
            "query_key": "NRIQ-exampleExampleExampleExample12",
            "region": "eu",
            "base_url": format!("{base_url}/newrelic"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }
}

/// An account and its keys.
pub struct NewRelic {
    account_id: String,
    license_key: Secret,
    insert_key: Option<Secret>,
    query_key: Option<Secret>,
    bases: Bases,
    /// Names the account in buckets.
    account: String,
    pub event_type: String,
}

impl NewRelic {
    fn judge_with(&self, now: Timestamp) -> Judge<'_> {
        Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now,
            overrides: &[],
        }
    }

    fn request(&self, task: &Task<'_>) -> Next {
        let url = format!(
            "{}/v1/accounts/{}/events",
            self.bases.events, self.account_id
        );
        let body = render::event(self, task).to_string();
        let request = HttpRequest::post_json(url, body)
            .header("x-request-id", request_id(task.idempotency_key));
        Next::request(match &self.insert_key {
            Some(key) => request.secret_header("x-insert-key", key.clone()),
            None => request.secret_header("api-key", self.license_key.clone()),
        })
    }
}

/// A UUID that is the same for every retry (New Relic's telemetry SDK specification, read 2026-11), made from the
/// task's key; the version and variant bits are those of a random one.
fn request_id(idempotency_key: &str) -> String {
    let digest = hex::encode(&Sha256::digest(idempotency_key)[..16]);
    format!(
        "{}-{}-4{}-a{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[13..16],
        &digest[17..20],
        &digest[20..32]
    )
}

impl Sink for NewRelic {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let judge = self.judge_with(task.now);
        match step.reply {
            None => self.request(task),
            Some(Ok(reply)) => Next::Finish(judge::event(&judge, reply)),
            Some(Err(error)) => Next::Finish(judge.transport(error)),
        }
    }

    /// With a query key: a query that reads nothing. It tells about account, region and that key; ingest keys cannot be
    /// checked without sending.
    fn probe(&self, step: Step<'_>) -> Option<Next> {
        let query_key = self.query_key.as_ref()?;
        // Without a clock here a date in Retry-After counts as now.
        let judge = self.judge_with(Timestamp::NEVER);
        Some(match step.reply {
            None => {
                let url = format!(
                    "{}/v1/accounts/{}/query?nrql=SELECT%20count(*)%20FROM%20{}%20SINCE%201%20minute%20ago",
                    self.bases.queries, self.account_id, self.event_type
                );
                let request = HttpRequest::get(url)
                    .header("accept", "application/json")
                    .secret_header("x-query-key", query_key.clone());
                Next::request(request)
            }
            Some(Ok(reply)) => Next::Finish(judge::query(&judge, reply)),
            Some(Err(error)) => Next::Finish(judge.transport(error)),
        })
    }

    /// New Relic, "Event API limits", read 2026-11: 100,000 requests a minute and account.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        vec![pace(format!("newrelic:events:{}", self.account), 1, 1000)]
    }

    fn target(&self) -> String {
        format!(
            "account {} at {}",
            self.account_id,
            host_of(&self.bases.events)
        )
    }

    fn secrets(&self) -> Vec<&Secret> {
        let mut secrets = vec![&self.license_key];
        secrets.extend(&self.insert_key);
        secrets.extend(&self.query_key);
        secrets
    }
}

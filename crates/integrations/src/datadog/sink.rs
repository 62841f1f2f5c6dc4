//! `datadog`: settings, requests.
//!
//! An event cannot be changed, acknowledged or closed at Datadog: each of an alert's is one of its own, and the alert's
//! id as the aggregation key groups them. A repeated request is a second event (I7).

use std::sync::Arc;

use model::{Capabilities, Manner, Secret, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use wire::http::{HttpRequest, host_of};

use super::judge::judge;
use super::render::event;
use crate::kit::{
    Edition, ErrorSentence, Finish, Judge, Next, Pace, Reply, SecretText, SettingsError,
    SettingsMap, Sink, SinkKind, SinkManifest, Step, Task, account_name, address, pace,
    parse_settings,
};

/// The kind `datadog`.
pub static DATADOG: DatadogKind = DatadogKind;

/// Short names of Datadog's sites (Datadog, "Getting started with Datadog sites", and the servers of its API
/// descriptions, read 2026-11). The sites' own names are taken as well.
const SITES: [(&str, &str); 9] = [
    ("us1", "datadoghq.com"),
    ("us3", "us3.datadoghq.com"),
    ("us5", "us5.datadoghq.com"),
    ("eu1", "datadoghq.eu"),
    ("ap1", "ap1.datadoghq.com"),
    ("ap2", "ap2.datadoghq.com"),
    ("uk1", "uk1.datadoghq.com"),
    ("us1-fed", "ddog-gov.com"),
    ("us2-fed", "us2.ddog-gov.com"),
];

static MANIFEST: SinkManifest = SinkManifest {
    name: "datadog",
    vendor: "datadog",
    title: "Datadog",
    about: "Every event of an alert, in order, in Datadog's event stream, grouped by alert. Datadog's events cannot be acknowledged or closed: an acknowledgement and an end are events that say so, the end a green one.",
    docs: "https://docs.datadoghq.com/api/latest/events/ (v1, read 2026-11)",
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
        "See in the address of your Datadog pages which site you are on: app.datadoghq.com is us1, app.datadoghq.eu is eu1.",
        "In Datadog, under Organization Settings, API Keys, make a key. An application key is not needed.",
        "Enter the key and the site here.",
        "Test the integration: an event appears under Events, Explorer; search for `source:my_apps`.",
    ],
    errors: &[
        ErrorSentence {
            code: "400",
            sentence: "Datadog refuses the event as it is (400): its answer says why.",
        },
        ErrorSentence {
            code: "401",
            sentence: "Datadog does not know the API key (401): check the key, and that `region` is the site it was made on.",
        },
        ErrorSentence {
            code: "403",
            sentence: "Datadog does not know the API key (403): check the key, and that `region` is the site it was made on.",
        },
        ErrorSentence {
            code: "404",
            sentence: "There is no Datadog at this address (404): check `region` and `base_url`.",
        },
        ErrorSentence {
            code: "413",
            sentence: "The event is too large for Datadog (413).",
        },
        ErrorSentence {
            code: "429",
            sentence: "Datadog has had enough events for now (429): it takes 500,000 an hour of one organization, and 1,000 a day of one alert.",
        },
    ],
    schema: || schemars::schema_for!(DatadogSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `datadog`.
#[derive(Deserialize, JsonSchema)]
struct DatadogSettings {
    /// An API key of your organization.
    #[schemars(extend("x-setting" = "credential"))]
    api_key: SecretText,
    /// The site that your organization is on: `us1` (or `us`), `us3`, `us5`, `eu1` (or `eu`), `ap1`, `ap2`, `uk1`, `us1-fed`, `us2-fed`, or the site's name such as `datadoghq.eu`.
    #[serde(default = "us1")]
    #[schemars(extend("x-setting" = "target"))]
    region: String,
    /// Where Datadog's API is, in place of the site's; `/api/v1/events` follows it. Set it only for a proxy or a test.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    base_url: Option<String>,
    /// Tags that every event gets besides those of the alert's labels, such as `team:storage`.
    #[serde(default)]
    tags: Vec<String>,
    /// The label whose value is the event's host in Datadog; a port after a colon is left out. Alerts without it have no host.
    #[serde(default = "host")]
    host_label: String,
    /// The source that Datadog shows the events under; it knows a list of them.
    #[serde(default = "my_apps")]
    source_type_name: String,
}

fn us1() -> String {
    "us1".to_owned()
}

fn host() -> String {
    "host".to_owned()
}

fn my_apps() -> String {
    "my_apps".to_owned()
}

/// The API's address of a site by its short or whole name.
fn site_url(region: &str) -> Result<String, SettingsError> {
    let word = region.trim().to_ascii_lowercase();
    let word = match word.as_str() {
        "us" => "us1",
        "eu" => "eu1",
        other => other,
    };
    let known = SITES
        .iter()
        .find(|(short, site)| word == *short || word == *site);
    match known {
        Some((_, site)) => Ok(format!("https://api.{site}")),
        None => {
            let names: Vec<&str> = SITES.iter().map(|(short, _)| *short).collect();
            Err(SettingsError::new(
                "region",
                format!(
                    "there is no such site; one of {}; for another one set `base_url`",
                    names.join(", ")
                ),
            ))
        }
    }
}

/// The kind itself.
pub struct DatadogKind;

impl SinkKind for DatadogKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: DatadogSettings = parse_settings(settings)?;
        let key = settings.api_key.expose();
        let key_problem =
            (key.is_empty() || !key.chars().all(|c| c.is_ascii_graphic())).then(|| {
                SettingsError::new(
                    "api_key",
                    "this is no API key: copy it again, without spaces",
                )
            });
        let site = site_url(&settings.region);
        let base_url = match &settings.base_url {
            Some(url) => site.and(address::base_url("base_url", url)),
            None => site,
        };
        match (base_url, key_problem) {
            (Ok(base_url), None) => Ok(Arc::new(Datadog {
                account: account_name(&base_url, &settings.api_key.0),
                base_url,
                api_key: settings.api_key.0,
                tags: settings.tags,
                host_label: settings.host_label,
                source_type_name: settings.source_type_name,
            })),
            (base_url, key_problem) => Err(base_url.err().into_iter().chain(key_problem).collect()),
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "api_key": "0123456789abcdef0123456789abcdef",
            "region": "eu1",
            "base_url": format!("{base_url}/datadog"),
            "tags": ["team:storage"],
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        let status = code.parse().unwrap_or(400);
        (status, json!({ "errors": ["Refused"] }).to_string())
    }
}

/// A key at a site.
pub struct Datadog {
    base_url: String,
    api_key: Secret,
    /// Names the organization in buckets.
    account: String,
    pub tags: Vec<String>,
    pub host_label: String,
    pub source_type_name: String,
}

impl Datadog {
    fn with_key(&self, request: HttpRequest) -> Next {
        Next::request(request.secret_header("dd-api-key", self.api_key.clone()))
    }

    fn judge(&self, reply: &Reply, now: Timestamp) -> Finish {
        let common = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now,
            overrides: &[],
        };
        match reply {
            Ok(reply) => judge(&common, reply),
            Err(error) => common.transport(error),
        }
    }
}

impl Sink for Datadog {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        match step.reply {
            None => self.with_key(HttpRequest::post_json(
                format!("{}/api/v1/events", self.base_url),
                event(self, task).to_string(),
            )),
            Some(reply) => Next::Finish(self.judge(reply, task.now)),
        }
    }

    /// The key's check: 200, or 403 for a key that Datadog does not know.
    fn probe(&self, step: Step<'_>) -> Option<Next> {
        Some(match step.reply {
            None => self.with_key(HttpRequest::get(format!(
                "{}/api/v1/validate",
                self.base_url
            ))),
            // Without a clock here a date in Retry-After counts as now.
            Some(reply) => Next::Finish(self.judge(reply, Timestamp::NEVER)),
        })
    }

    /// Datadog, "Rate limits", read 2026-11: 500,000 events an hour and organization. The 1,000 a day of one aggregate
    /// are left to its 429: a bucket for each alert would be more rows than the limit is worth.
    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        vec![pace(format!("datadog:events:{}", self.account), 8, 1000)]
    }

    fn target(&self) -> String {
        host_of(&self.base_url)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.api_key]
    }
}

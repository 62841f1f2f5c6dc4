//! Settings that both of PagerDuty's sinks have, and what is asked of them.

use model::{DurationMs, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Pace, SecretText, SettingsError, address};

/// Characters of an integration key ("Send an event to the Events API v2", PagerDuty's developer documentation, read
/// 2026-11).
const ROUTING_KEY_CHARS: usize = 32;

/// The service region of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Region {
    #[default]
    Us,
    Eu,
}

impl Region {
    /// Where events go.
    fn events(self) -> &'static str {
        match self {
            Region::Us => "https://events.pagerduty.com",
            Region::Eu => "https://events.eu.pagerduty.com",
        }
    }

    /// Where the REST API is.
    fn api(self) -> &'static str {
        match self {
            Region::Us => "https://api.pagerduty.com",
            Region::Eu => "https://api.eu.pagerduty.com",
        }
    }
}

/// Where events go: the region's host, unless `base_url` names another.
pub fn events_base(region: Region, base_url: Option<&str>) -> Result<String, SettingsError> {
    match base_url {
        Some(text) => address::base_url("base_url", text),
        None => Ok(region.events().to_owned()),
    }
}

/// Where the REST API is: what the setting says, else beside a `base_url` (a test server has both), else the region's.
pub fn api_base(
    region: Region,
    base_url: Option<&str>,
    api_base_url: Option<&str>,
) -> Result<String, SettingsError> {
    match (api_base_url, base_url) {
        (Some(text), _) => address::base_url("api_base_url", text),
        (None, Some(text)) => address::base_url("base_url", text),
        (None, None) => Ok(region.api().to_owned()),
    }
}

/// The integration key, which chooses the service and is the credential too.
pub fn routing_key(text: &SecretText) -> Result<Secret, SettingsError> {
    let problem = |what: &str| Err(SettingsError::new("routing_key", what));
    let key = text.expose().trim();
    if key.contains("://") {
        return problem(
            "this is an address: give the Integration Key, which is shown beside the Integration URL",
        );
    }
    if key.chars().count() != ROUTING_KEY_CHARS {
        return problem(
            "an integration key has 32 characters: copy it from the service's Integrations tab",
        );
    }
    if !key.chars().all(|c| c.is_ascii_alphanumeric()) {
        return problem(
            "an integration key has letters and digits only: copy it from the service's Integrations tab",
        );
    }
    Ok(Secret::new(key))
}

/// More than this no server that speaks the Events API is known to take, and a bucket counts whole milliseconds.
const EVENTS_PER_MINUTE_MAX: u32 = 60_000;

/// A pace of one's own within its bounds.
pub fn events_per_minute(number: Option<u32>) -> Result<Option<u32>, SettingsError> {
    match number {
        Some(number) if !(1..=EVENTS_PER_MINUTE_MAX).contains(&number) => Err(SettingsError::new(
            "events_per_minute",
            format!("it is from 1 to {EVENTS_PER_MINUTE_MAX}"),
        )),
        number => Ok(number),
    }
}

/// Events API, "Rate limiting", read 2026-11: about 120 events in any 60 s for one key; what is above is dropped. 20 at
/// once and one more each 600 ms is never more than that.
pub fn events_pace(bucket: String, per_minute: Option<u32>) -> Pace {
    match per_minute.map(|number| number.max(1)) {
        None => Pace {
            bucket,
            every: DurationMs(600),
            burst: 20,
        },
        Some(number) => Pace {
            bucket,
            every: DurationMs(i64::from((60_000 / number).max(1))),
            // Two seconds' worth at once.
            burst: (number / 30).max(1),
        },
    }
}

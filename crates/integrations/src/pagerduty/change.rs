//! `pagerduty_change`: notifications as change events. They page nobody, so M5's refusal does not concern them.

use std::sync::Arc;

use model::{Outcome, Secret, Verb};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use wire::http::{HttpRequest, host_of};

use super::manifest::CHANGE_MANIFEST;
use super::settings::{Region, events_base, events_pace, events_per_minute, routing_key};
use super::{judge, render};
use crate::kit::{
    Finish, Judge, Next, Pace, SecretText, SettingsError, SettingsMap, Sink, SinkKind,
    SinkManifest, Step, Task, account_name, parse_settings,
};

/// The kind `pagerduty_change`.
pub static PAGERDUTY_CHANGE: ChangeKind = ChangeKind;

/// Settings of `pagerduty_change`.
#[derive(Deserialize, JsonSchema)]
pub struct ChangeSettings {
    /// The Integration Key (32 characters) of an Events API V2 integration of the service. It names the service and is the credential too.
    #[schemars(extend("x-setting" = "target"))]
    routing_key: SecretText,
    /// The account's service region: `us` or `eu`.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    region: Region,
    /// Where the Events API is, in place of the region's host; `/v2/change/enqueue` follows it. Change it only for a proxy, a bridge or a test.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    base_url: Option<String>,
    /// How many events a minute at most. Without it the hub keeps to PagerDuty's limit for one key. Set it only where `base_url` is a server that takes more or less.
    #[serde(default)]
    #[schemars(range(min = 1, max = 60000))]
    events_per_minute: Option<u32>,
}

/// The kind itself.
pub struct ChangeKind;

impl SinkKind for ChangeKind {
    fn manifest(&self) -> &'static SinkManifest {
        &CHANGE_MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: ChangeSettings = parse_settings(settings)?;
        let key = routing_key(&settings.routing_key).and_then(service_key);
        let base = events_base(settings.region, settings.base_url.as_deref());
        let pace = events_per_minute(settings.events_per_minute);
        match (key, base, pace) {
            (Ok(routing_key), Ok(base_url), Ok(events_per_minute)) => Ok(Arc::new(Change {
                bucket: format!("pagerduty:change:{}", account_name(&base_url, &routing_key)),
                routing_key,
                base_url,
                events_per_minute,
            })),
            (key, base, pace) => {
                let errors = [key.err(), base.err(), pace.err()];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "routing_key": "c0ffee00c0ffee00c0ffee00c0ffee00",
            "base_url": format!("{base_url}/pagerduty"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        judge::example_error(code)
    }
}

/// "Send a change event": not with a ruleset's key.
fn service_key(key: Secret) -> Result<Secret, SettingsError> {
    match key.expose().starts_with('R') {
        true => Err(SettingsError::new(
            "routing_key",
            "this is a ruleset's key, and those take no change events: give a service's integration key",
        )),
        false => Ok(key),
    }
}

/// A service.
struct Change {
    routing_key: Secret,
    base_url: String,
    bucket: String,
    events_per_minute: Option<u32>,
}

/// Whether the event meant says that something happened.
fn is_change(task: &Task<'_>) -> bool {
    let Verb::Event { seq, .. } = task.verb else {
        return true;
    };
    let event = task.events.iter().find(|event| event.seq == seq);
    event.is_none_or(|event| event.kind.is_opening() || event.kind.is_update())
}

impl Sink for Change {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        match step.reply {
            None if !is_change(task) => Next::Finish(Finish {
                outcome: Outcome::Delivered,
                handle: None,
                status: None,
                excerpt: "A change event is told once; what is noted of it later is not."
                    .to_owned(),
            }),
            None => Next::request(HttpRequest::post_json(
                format!("{}/v2/change/enqueue", self.base_url),
                render::change(task, self.routing_key.expose()),
            )),
            Some(reply) => {
                let judge = Judge {
                    manifest: &CHANGE_MANIFEST,
                    secrets: self.secrets(),
                    now: task.now,
                    overrides: &[],
                };
                Next::Finish(judge::events(&judge, reply, None))
            }
        }
    }

    /// Every request to the Events API is an event.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        vec![events_pace(self.bucket.clone(), self.events_per_minute)]
    }

    fn target(&self) -> String {
        host_of(&self.base_url)
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.routing_key]
    }
}

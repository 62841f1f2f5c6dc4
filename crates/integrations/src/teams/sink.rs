//! `teams`: settings, requests.
//!
//! Rules of the wire: Microsoft, "Create incoming webhooks with Workflows for Microsoft Teams" and "Adaptive Cards", read
//! 2026-11. The address's `sig` is the credential. A card that was posted through a workflow cannot be changed, so every
//! event is a card of its own. There is no idempotency key (I7).

use std::sync::Arc;

use model::{Capabilities, Manner, Secret, Verb};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use wire::http::{HttpRequest, host_of};

use super::judge::{self, SENTENCES};
use super::render::{message, reminder};
use crate::kit::buckets::{check_per_minute, name_of, per_minute};
use crate::kit::{
    Edition, Judge, Next, Pace, SecretText, SettingsError, SettingsMap, Sink, SinkKind,
    SinkManifest, Step, Task, address, parse_settings,
};

/// The kind `teams`.
pub static TEAMS: TeamsKind = TeamsKind;

static MANIFEST: SinkManifest = SinkManifest {
    name: "teams",
    vendor: "teams",
    title: "Microsoft Teams",
    about: "A card in a channel or chat for each event of an alert, red while it is open and green when it is closed. Teams cannot change a card that came through a workflow: choose `notify_on` to get fewer of them.",
    docs: "https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook (read 2026-11)",
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
        // A late card is only one card more.
        late_request_changes_state: false,
        pages: false,
    },
    setup: &[
        "In Teams, open the channel's menu, Workflows, and choose the template that posts to a channel when a webhook request is received.",
        "Name the workflow, check team and channel, and choose Add workflow.",
        "Copy the address that is shown and enter it here. Whoever has it can post: it is kept like a password.",
        "Make a colleague the workflow's second owner: it stops when its owner's account goes.",
        "Test the integration: a card appears. Teams says yes before it has posted the card; if none appears, look at the workflow's runs in Power Automate.",
    ],
    errors: &SENTENCES,
    schema: || schemars::schema_for!(TeamsSettings),
    deadline_ms: 20_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `teams`.
#[derive(Deserialize, JsonSchema)]
struct TeamsSettings {
    /// The workflow's whole address with its `sig`, as Teams shows it; an older connector's address works as long as Microsoft serves it. It names the channel and is the credential too; a bridge's or the sandbox's address goes here as well.
    #[schemars(extend("x-setting" = "target"))]
    url: SecretText,
    /// How many cards a minute at most. Teams takes about four a second.
    #[serde(default = "usual_pace")]
    #[schemars(range(min = 1, max = 60_000))]
    messages_per_minute: u32,
}

/// A workflow's own limits are lower than Teams' four a second and depend on the plan: one a second serves all.
fn usual_pace() -> u32 {
    60
}

/// At once: what Teams takes in a second.
const BURST: u32 = 4;

/// The kind itself.
pub struct TeamsKind;

impl SinkKind for TeamsKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: TeamsSettings = parse_settings(settings)?;
        let url = workflow(settings.url.expose());
        let pace = check_per_minute(settings.messages_per_minute);
        match (url, pace) {
            (Ok(url), Ok(messages_per_minute)) => {
                Ok(Arc::new(Teams::new(&url, messages_per_minute)))
            }
            (url, pace) => Err([url.err(), pace.err()].into_iter().flatten().collect()),
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "url": format!(
                "{base_url}/teams/workflows/0a1b2c3d4e5f/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=exampleExampleExample-Example_1"
            ),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        judge::example(code)
    }
}

fn workflow(text: &str) -> Result<Url, SettingsError> {
    let url = address::http_url("url", text)?;
    if url.path().len() < 2 {
        let problem = "this address has no path: copy the workflow's whole address";
        return Err(SettingsError::new("url", problem));
    }
    let is_workflow = url.path().contains("/workflows/");
    if is_workflow
        && !url
            .query_pairs()
            .any(|(name, value)| name == "sig" && !value.is_empty())
    {
        let problem = "the address ends before its `sig`: copy it whole";
        return Err(SettingsError::new("url", problem));
    }
    Ok(url)
}

struct Teams {
    url: Secret,
    /// Parts that answers may repeat alone: path with query, and the values of `sig` as written and as meant.
    parts: Vec<Secret>,
    /// Names the address in buckets.
    name: String,
    messages_per_minute: u32,
}

impl Teams {
    fn new(url: &Url, messages_per_minute: u32) -> Teams {
        let mut parts = vec![Secret::new(&url[url::Position::BeforePath..])];
        let as_written = url.query().unwrap_or_default().split('&');
        parts.extend(
            as_written
                .filter_map(|pair| pair.strip_prefix("sig="))
                .map(Secret::new),
        );
        let as_meant = url.query_pairs().filter(|(name, _)| name == "sig");
        parts.extend(as_meant.map(|(_, value)| Secret::new(value)));
        let secret = Secret::new(url.as_str());
        Teams {
            name: name_of(&secret),
            url: secret,
            parts,
            messages_per_minute,
        }
    }
}

impl Sink for Teams {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let Some(reply) = step.reply else {
            let body = match task.verb {
                Verb::Remind => reminder(task),
                _ => message(task),
            };
            let request = HttpRequest::post_json(self.url.expose(), body.to_string());
            return Next::request(request);
        };
        let judge = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now: task.now,
            overrides: &[],
        };
        Next::Finish(match reply {
            Ok(reply) => judge::answer(&judge, reply),
            Err(error) => judge.transport(error),
        })
    }

    /// Every request to a workflow runs it.
    fn probe(&self, _: Step<'_>) -> Option<Next> {
        None
    }

    fn paces(&self, _: &Task<'_>) -> Vec<Pace> {
        let bucket = format!("teams:{}", self.name);
        vec![per_minute(bucket, self.messages_per_minute, BURST)]
    }

    fn target(&self) -> String {
        host_of(self.url.expose())
    }

    fn secrets(&self) -> Vec<&Secret> {
        std::iter::once(&self.url).chain(&self.parts).collect()
    }
}

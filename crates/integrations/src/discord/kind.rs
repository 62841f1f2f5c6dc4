//! `discord`: its manifest and settings.

use std::sync::Arc;

use model::{Capabilities, Manner};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::judge::{self, SENTENCES};
use super::sink::Discord;
use crate::kit::buckets::check_per_minute;
use crate::kit::{
    Edition, SecretText, SettingsError, SettingsMap, Sink, SinkKind, SinkManifest, address,
    parse_settings,
};

/// The kind `discord`.
pub static DISCORD: DiscordKind = DiscordKind;

pub(super) static MANIFEST: SinkManifest = SinkManifest {
    name: "discord",
    vendor: "discord",
    title: "Discord",
    about: "One message for each alert in a channel, or a thread for each in a forum. Its bar is red while the alert is open and green when it is closed, and it always shows the newest state and the newest note.",
    docs: "https://discord.com/developers/docs/resources/webhook (read 2026-11)",
    manner: Manner::Mirror,
    can: Capabilities {
        update: true,
        ack: true,
        unack: true,
        // The message shows the newest note; a webhook cannot answer to a message.
        note: false,
        assign: false,
        snooze: false,
        ignores_unknown_close: false,
        idempotent: false,
        late_request_changes_state: true,
        pages: false,
    },
    setup: &[
        "In Discord, open the channel's settings, Integrations, Webhooks, and choose New Webhook.",
        "Give it a name and check its channel.",
        "Choose Copy Webhook URL and enter the address here. Whoever has it can post: it is kept like a password.",
        "For a forum channel switch on `new_threads`: each alert becomes a thread.",
        "Test the integration: a message appears in the channel.",
    ],
    errors: &SENTENCES,
    schema: || schemars::schema_for!(DiscordSettings),
    deadline_ms: 15_000,
    requests_max: 1,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `discord`.
#[derive(Deserialize, JsonSchema)]
struct DiscordSettings {
    /// The webhook's whole address, as Discord shows it: `https://discord.com/api/webhooks/…`. It names the channel and is the credential too; a bridge's or the sandbox's address goes here as well.
    #[schemars(extend("x-setting" = "target"))]
    url: SecretText,
    /// The id of a thread in the webhook's channel, if the messages shall go there.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    thread_id: Option<String>,
    /// The webhook's channel is a forum: make a thread for each alert, with its title as name.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    new_threads: bool,
    /// How many messages, and how many edits, a minute at most. Discord publishes no number and tells by 429 when it is too much.
    #[serde(default = "usual_pace")]
    #[schemars(range(min = 1, max = 60_000))]
    messages_per_minute: u32,
}

/// What people have seen a webhook take: five in two seconds, thirty a minute; Discord's own numbers are dynamic.
fn usual_pace() -> u32 {
    30
}

/// The kind itself.
pub struct DiscordKind;

impl SinkKind for DiscordKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: DiscordSettings = parse_settings(settings)?;
        let mut errors = Vec::new();
        let url = webhook(settings.url.expose())
            .map_err(|e| errors.push(e))
            .ok();
        let thread = settings.thread_id.map(|id| id.trim().to_owned());
        if let Some(id) = &thread
            && (id.is_empty() || id.len() > 20 || !id.bytes().all(|b| b.is_ascii_digit()))
        {
            let problem = "a thread's id has digits only: switch on Developer Mode in Discord and choose Copy Thread ID";
            errors.push(SettingsError::new("thread_id", problem));
        }
        if thread.is_some() && settings.new_threads {
            let problem = "either one thread for all (`thread_id`) or one for each alert: leave one of both out";
            errors.push(SettingsError::new("new_threads", problem));
        }
        let pace = check_per_minute(settings.messages_per_minute)
            .map_err(|e| errors.push(e))
            .ok();
        match (url, pace) {
            (Some(url), Some(messages_per_minute)) if errors.is_empty() => Ok(Arc::new(
                Discord::new(&url, thread, settings.new_threads, messages_per_minute),
            )),
            _ => Err(errors),
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "url": format!("{base_url}/discord/api/webhooks/1318273645546372819/example-Example_example-Example"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        judge::example(code)
    }
}

/// The webhook's address, without a slash at its end.
fn webhook(text: &str) -> Result<Url, SettingsError> {
    let mut url = address::http_url("url", text)?;
    let problem = |what: &str| Err(SettingsError::new("url", what));
    let path = url.path().trim_end_matches('/').to_owned();
    if path.ends_with("/slack") || path.ends_with("/github") {
        return problem(
            "leave `/slack` or `/github` at its end out: this sink speaks Discord's own form",
        );
    }
    let parts: Vec<&str> = path.rsplit('/').take(3).collect();
    match parts[..] {
        [token, id, "webhooks"]
            if !token.is_empty() && !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) => {}
        _ => {
            return problem(
                "this is no webhook's address: copy it whole, it has /webhooks/, digits and a token",
            );
        }
    }
    if url.query().is_some() || url.fragment().is_some() {
        return problem(
            "leave what follows `?` out; a thread has a setting of its own, `thread_id`",
        );
    }
    url.set_path(&path);
    Ok(url)
}

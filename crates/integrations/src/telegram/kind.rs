//! `telegram`: its manifest and settings.

use std::sync::Arc;

use model::{Capabilities, Manner};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::judge::{self, SENTENCES};
use super::sink::Telegram;
use crate::kit::buckets::{check_per_minute, name_of};
use crate::kit::{
    Edition, SecretText, SettingsError, SettingsMap, Sink, SinkKind, SinkManifest, address,
    parse_settings,
};

/// The kind `telegram`.
pub static TELEGRAM: TelegramKind = TelegramKind;

pub(super) static MANIFEST: SinkManifest = SinkManifest {
    name: "telegram",
    vendor: "telegram",
    title: "Telegram",
    about: "One message for each alert in a chat, group or channel, edited to show the newest state: its sign is red while the alert is open and green when it is closed. Notes are answers to it.",
    docs: "https://core.telegram.org/bots/api (read 2026-11)",
    manner: Manner::Mirror,
    can: Capabilities {
        update: true,
        ack: true,
        unack: true,
        note: true,
        assign: false,
        snooze: false,
        ignores_unknown_close: false,
        idempotent: false,
        late_request_changes_state: true,
        pages: false,
    },
    setup: &[
        "In Telegram, write /newbot to @BotFather, give the bot a name, and copy its token.",
        "Add the bot to the group or channel (in a channel as an administrator), or open it and press Start.",
        "Find the chat's id: write something in the chat and open `https://api.telegram.org/bot<token>/getUpdates`; it is `chat.id`, negative for groups. A public channel has its @name.",
        "Enter token and chat id; for a topic of a group also `message_thread_id`.",
        "Test the integration: a message appears in the chat.",
    ],
    errors: &SENTENCES,
    schema: || schemars::schema_for!(TelegramSettings),
    deadline_ms: 15_000,
    requests_max: 3,
    takes_issues: true,
    takes_notifications: true,
    edition: Edition::Current,
};

/// Settings of `telegram`.
#[derive(Deserialize, JsonSchema)]
struct TelegramSettings {
    /// The chat, in quotes: its id (`"-1001234567890"`, negative for groups), or the `@name` of a public channel or group.
    #[schemars(extend("x-setting" = "target"))]
    chat_id: String,
    /// The bot's token from @BotFather: digits, a colon, and 35 signs.
    #[schemars(extend("x-setting" = "credential"))]
    token: SecretText,
    /// The id of a topic, if the messages shall go into one.
    #[serde(default)]
    #[schemars(extend("x-setting" = "target"))]
    message_thread_id: Option<i64>,
    /// Where the Bot API is; `/bot…/sendMessage` follows it. Change it only for a local Bot API server, a proxy or a test.
    #[serde(default = "api_telegram_org")]
    #[schemars(extend("x-setting" = "target"))]
    base_url: String,
    /// How many messages and edits a minute at most in this chat. Telegram takes about 20 in a group and 60 elsewhere.
    #[serde(default = "usual_pace")]
    #[schemars(range(min = 1, max = 60_000))]
    messages_per_minute: u32,
}

fn api_telegram_org() -> String {
    "https://api.telegram.org".to_owned()
}

/// What a group takes (Telegram, "Bots FAQ, My bot is hitting limits", read 2026-11).
fn usual_pace() -> u32 {
    20
}

/// The kind itself.
pub struct TelegramKind;

impl SinkKind for TelegramKind {
    fn manifest(&self) -> &'static SinkManifest {
        &MANIFEST
    }

    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>> {
        let settings: TelegramSettings = parse_settings(settings)?;
        let chat = chat(&settings.chat_id);
        let token = check_token(settings.token.expose());
        let base_url = address::base_url("base_url", &settings.base_url);
        let pace = check_per_minute(settings.messages_per_minute);
        match (chat, token, base_url, pace) {
            (Ok(chat), Ok(()), Ok(base_url), Ok(messages_per_minute)) => Ok(Arc::new(Telegram {
                chat,
                bot: name_of(&settings.token.0),
                token: settings.token.0,
                thread: settings.message_thread_id,
                base_url,
                messages_per_minute,
            })),
            (chat, token, base_url, pace) => {
                let errors = [chat.err(), token.err(), base_url.err(), pace.err()];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }

    fn example(&self, base_url: &str) -> SettingsMap {
        let settings = json!({
            "chat_id": "-1001234567890",
            "token": "110201543:exampleExampleExampleExampleExample",
            "base_url": format!("{base_url}/telegram"),
        });
        settings.as_object().cloned().unwrap_or_default()
    }

    fn example_error(&self, code: &str) -> (u16, String) {
        judge::example(code)
    }
}

/// The chat as Telegram wants it: a number, or a text with `@`.
fn chat(text: &str) -> Result<Value, SettingsError> {
    let text = text.trim();
    if let Ok(id) = text.parse::<i64>()
        && id != 0
    {
        return Ok(Value::from(id));
    }
    let name = text.strip_prefix('@').unwrap_or_default();
    let is_name = name.len() >= 4 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_name {
        return Ok(Value::from(text));
    }
    Err(SettingsError::new(
        "chat_id",
        "give the chat's number, such as -1001234567890, or the @name of a public channel; an invitation's link is neither",
    ))
}

/// Refuses what certainly is no token; Telegram's answer decides about the rest.
fn check_token(token: &str) -> Result<(), SettingsError> {
    let is_token = token.split_once(':').is_some_and(|(id, rest)| {
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_digit())
            && rest.len() >= 10
            && rest.bytes().all(good)
    });
    if is_token {
        return Ok(());
    }
    let problem = "this is no bot's token: @BotFather shows it as digits, a colon, and a long word; leave `bot` before it out";
    Err(SettingsError::new("token", problem))
}

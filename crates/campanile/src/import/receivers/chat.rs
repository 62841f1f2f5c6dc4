//! `discord_configs`, `telegram_configs`, `msteams_configs`, `msteamsv2_configs`.

use super::{Setting, SinkConfig, Tools, send_resolved};
use crate::config::yaml::Node;
use crate::import::node::{get, text_of};

/// What Alertmanager formats and we do not.
const OWN_FORM: [&str; 9] = [
    "title",
    "text",
    "message",
    "summary",
    "content",
    "username",
    "avatar_url",
    "parse_mode",
    "disable_notifications",
];

pub fn discord(node: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let config = webhook(node, tools, "discord")?;
    edited(node, tools);
    Some(config)
}

pub fn teams(node: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let config = webhook(node, tools, "teams")?;
    if !send_resolved(node, true) {
        let text = format!(
            "`{}`: without send_resolved Alertmanager does not tell the end; here it is told",
            tools.receiver
        );
        tools.report.near(node.at.line, text);
    }
    Some(config)
}

fn webhook(node: &Node, tools: &mut Tools<'_>, sink: &'static str) -> Option<SinkConfig> {
    common(node, tools);
    let Some(url) = tools.secret(node, "webhook_url", "url") else {
        let text = format!("`{}`: it has no webhook_url", tools.receiver);
        tools.report.missing(node.at.line, text);
        return None;
    };
    Some(SinkConfig {
        sink,
        settings: vec![url],
        notify_on: &[],
    })
}

pub fn telegram(node: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let (line, name) = (node.at.line, tools.receiver);
    common(node, tools);
    let token = tools.secret(node, "bot_token", "token");
    let token = token.or_else(|| tools.global_secret("telegram_bot_token", "token"));
    let (Some(token), Some(chat)) = (token, text_of(node, "chat_id")) else {
        let text = format!("`{name}`: it needs bot_token and chat_id");
        tools.report.missing(line, text);
        return None;
    };
    let mut settings = vec![
        token,
        ("chat_id".to_owned(), Setting::Text(chat.to_owned())),
    ];
    if let Some(topic) = text_of(node, "message_thread_id") {
        settings.push((
            "message_thread_id".to_owned(),
            Setting::Raw(topic.to_owned()),
        ));
    }
    let api = text_of(node, "api_url").or_else(|| text_of(tools.global?, "telegram_api_url"));
    if api.is_some_and(|api| api.trim_end_matches('/') != "https://api.telegram.org") {
        let text =
            format!("`{name}`: its address is not Telegram's; set `base_url` in its settings");
        tools.report.near(line, text);
    }
    edited(node, tools);
    Some(SinkConfig {
        sink: "telegram",
        settings,
        notify_on: &[],
    })
}

fn common(node: &Node, tools: &mut Tools<'_>) {
    tools.own_form(node, &OWN_FORM);
    if get(node, "http_config").is_some() {
        let text = format!("`{}`: http_config has no counterpart", tools.receiver);
        tools.report.missing(node.at.line, text);
    }
}

fn edited(node: &Node, tools: &mut Tools<'_>) {
    let what = match send_resolved(node, true) {
        true => "Alertmanager posts again for each change; here one message is edited",
        false => {
            "without send_resolved Alertmanager leaves the message as it was; here it is edited when the alert is over"
        }
    };
    let text = format!("`{}`: {what}", tools.receiver);
    tools.report.near(node.at.line, text);
}

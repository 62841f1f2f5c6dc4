//! `slack_configs`: an incoming webhook, or a bot's token where the address is Slack's API.

use super::{Setting, SinkConfig, Tools, send_resolved};
use crate::config::yaml::Node;
use crate::import::node::{get, text_of};

/// What Alertmanager formats and we do not.
const OWN_FORM: [&str; 19] = [
    "username",
    "color",
    "title",
    "title_link",
    "pretext",
    "text",
    "fields",
    "short_fields",
    "footer",
    "fallback",
    "callback_id",
    "icon_emoji",
    "icon_url",
    "image_url",
    "thumb_url",
    "link_names",
    "mrkdwn_in",
    "actions",
    "message_text",
];

pub fn make(node: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let (line, name) = (node.at.line, tools.receiver);
    tools.own_form(node, &OWN_FORM);
    let http = get(node, "http_config").or_else(|| get(tools.global?, "http_config"));
    let authorization = http.and_then(|http| get(http, "authorization"));
    let config = match authorization {
        Some(authorization) => bot(node, authorization, tools)?,
        None => incoming(node, tools)?,
    };
    let what = match (config.sink, send_resolved(node, false)) {
        ("slack", false) => {
            "without send_resolved Alertmanager leaves the message as it was; here it is edited when the alert is over"
        }
        ("slack", true) => "Alertmanager posts again for each change; here one message is edited",
        (_, false) => "without send_resolved Alertmanager does not tell the end; here it is told",
        (_, true) => return Some(config),
    };
    tools.report.near(line, format!("`{name}`: {what}"));
    Some(config)
}

/// Slack's API: the token stands in the authorization.
fn bot(node: &Node, authorization: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let (line, name) = (node.at.line, tools.receiver);
    let channel = text_of(node, "channel").filter(|channel| !channel.contains("{{"));
    let Some(channel) = channel else {
        let text = format!(
            "`{name}`: its channel is a template or not given; a bot needs a channel's name"
        );
        tools.report.missing(line, text);
        return None;
    };
    let token = tools.secret(authorization, "credentials", "token")?;
    let api = text_of(node, "api_url").or_else(|| text_of(tools.global?, "slack_api_url"));
    if api.is_some_and(|api| !api.starts_with("https://slack.com/")) {
        let text =
            format!("`{name}`: its address is not slack.com's; set `base_url` in its settings");
        tools.report.near(line, text);
    }
    Some(SinkConfig {
        sink: "slack",
        settings: vec![
            ("channel".to_owned(), Setting::Text(channel.to_owned())),
            token,
        ],
        notify_on: &[],
    })
}

fn incoming(node: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let (line, name) = (node.at.line, tools.receiver);
    let url = tools.secret(node, "api_url", "url");
    let Some(url) = url.or_else(|| tools.global_secret("slack_api_url", "url")) else {
        let text = format!("`{name}`: it has no api_url, and there is no global one");
        tools.report.missing(line, text);
        return None;
    };
    if get(node, "channel").is_some() {
        let text = format!(
            "`{name}`: an incoming webhook has a channel of its own, `channel` is not used; for one token and any channel use the sink `slack`"
        );
        tools.report.near(line, text);
    }
    Some(SinkConfig {
        sink: "slack_webhook",
        settings: vec![url],
        notify_on: &[],
    })
}

//! `webhook_configs`.

use super::{Setting, SinkConfig, Tools, send_resolved};
use crate::config::yaml::Node;
use crate::import::node::{get, text_of};

/// Events that are told where the end of an alert is not.
const WITHOUT_ENDS: &[&str] = &["opened", "reopened", "updated", "severity_changed"];

pub fn make(node: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let (line, name) = (node.at.line, tools.receiver);
    let Some(url) = tools.secret(node, "url", "url") else {
        tools
            .report
            .missing(line, format!("`{name}`: it has no url"));
        return None;
    };
    let mut settings = vec![url];
    let http = get(node, "http_config").or_else(|| get(tools.global?, "http_config"));
    if let Some(http) = http {
        settings.extend(authorization(http, tools).map(|value| {
            let header = ("Authorization".to_owned(), value);
            ("headers".to_owned(), Setting::RawMap(vec![header]))
        }));
        for key in ["oauth2", "tls_config", "proxy_url"] {
            if get(http, key).is_some() {
                let text = format!(
                    "`{name}`: http_config.{key} has no counterpart; without it the receiver may refuse us"
                );
                tools.report.missing(line, text);
            }
        }
    }
    let text = format!(
        "`{name}`: the body is our own (Standard Webhooks), one alert or group a message, not Alertmanager's"
    );
    tools.report.near(line, text);
    if text_of(node, "max_alerts").is_some_and(|max| max != "0") {
        let text = format!("`{name}`: `max_alerts` is not used");
        tools.report.near(line, text);
    }
    Some(SinkConfig {
        sink: "webhook",
        settings,
        notify_on: match send_resolved(node, true) {
            true => &[],
            false => WITHOUT_ENDS,
        },
    })
}

/// The header that proves who we are, with a placeholder.
fn authorization(http: &Node, tools: &mut Tools<'_>) -> Option<String> {
    if let Some(basic) = get(http, "basic_auth") {
        let user = text_of(basic, "username").unwrap_or_default();
        let password = text_of(basic, "password").or_else(|| text_of(basic, "password_file"));
        let value = format!("basic {user}:{}", password.unwrap_or_default());
        let what = "base64 of `user:password` of basic_auth (`printf %s user:password | base64`)";
        let placeholder = tools.placeholder("basic_auth", what, &value);
        return Some(format!("Basic {placeholder}"));
    }
    let (holder, key, scheme) = match get(http, "authorization") {
        Some(holder) => (
            holder,
            "credentials",
            text_of(holder, "type").unwrap_or("Bearer"),
        ),
        None => (http, "bearer_token", "Bearer"),
    };
    if let Some(value) = text_of(holder, key) {
        let placeholder = tools.placeholder(key, key, value);
        return Some(format!("{scheme} {placeholder}"));
    }
    let file = text_of(holder, &format!("{key}_file"))?;
    // A header is more than the file's content, so that it has no `_file` twin.
    let what = format!("the content of the file {file}");
    let placeholder = tools.placeholder(key, &what, &format!("file {file}"));
    Some(format!("{scheme} {placeholder}"))
}

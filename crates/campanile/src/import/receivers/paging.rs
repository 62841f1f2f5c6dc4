//! `pagerduty_configs`, `opsgenie_configs`, `victorops_configs`: services that wake people.

use super::{Setting, SinkConfig, Tools, send_resolved};
use crate::config::yaml::Node;
use crate::import::node::{get, items, text_of};

/// What Alertmanager formats and we do not.
const PAGERDUTY_FORM: [&str; 11] = [
    "client",
    "client_url",
    "description",
    "severity",
    "class",
    "component",
    "group",
    "details",
    "images",
    "links",
    "source",
];
const OPSGENIE_FORM: [&str; 9] = [
    "message",
    "description",
    "details",
    "tags",
    "note",
    "priority",
    "entity",
    "actions",
    "update_alerts",
];
const VICTOROPS_FORM: [&str; 5] = [
    "message_type",
    "entity_display_name",
    "state_message",
    "monitoring_tool",
    "custom_fields",
];

/// The addresses that the sinks have by themselves; another one is a bridge or a proxy.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
const PAGERDUTY_EU: &str = "https://events.eu.pagerduty.com/v2/enqueue";
const OPSGENIE: &str = "https://api.opsgenie.com/";
const OPSGENIE_EU: &str = "https://api.eu.opsgenie.com/";
const VICTOROPS: &str = "https://alert.victorops.com/integrations/generic/20131114/alert/";

pub fn pagerduty(node: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let (line, name) = (node.at.line, tools.receiver);
    tools.own_form(node, &PAGERDUTY_FORM);
    let key = match tools.secret(node, "routing_key", "routing_key") {
        Some(key) => key,
        None => {
            let old = tools.secret(node, "service_key", "routing_key");
            let Some(old) = old else {
                let text = format!("`{name}`: it has neither routing_key nor service_key");
                tools.report.missing(line, text);
                return None;
            };
            let text = format!(
                "`{name}`: its service_key is of PagerDuty's Events API v1, and the hub speaks v2; if it is refused, add an Events API V2 integration to the service and take its key"
            );
            tools.report.near(line, text);
            old
        }
    };
    let mut settings = vec![key];
    let url = text_of(node, "url").or_else(|| text_of(tools.global?, "pagerduty_url"));
    match url {
        None | Some(PAGERDUTY) => {}
        Some(PAGERDUTY_EU) => settings.push(word("region", "eu")),
        Some(_) => elsewhere(tools, line),
    }
    ends(node, tools);
    Some(sink("pagerduty", settings))
}

pub fn opsgenie(node: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let (line, name) = (node.at.line, tools.receiver);
    tools.own_form(node, &OPSGENIE_FORM);
    let key = tools.secret(node, "api_key", "api_key");
    let Some(key) = key.or_else(|| tools.global_secret("opsgenie_api_key", "api_key")) else {
        let text = format!("`{name}`: it has no api_key, and there is no global one");
        tools.report.missing(line, text);
        return None;
    };
    let mut settings = vec![key];
    let url = text_of(node, "api_url").or_else(|| text_of(tools.global?, "opsgenie_api_url"));
    match url
        .map(|url| format!("{}/", url.trim_end_matches('/')))
        .as_deref()
    {
        None | Some(OPSGENIE) => {}
        Some(OPSGENIE_EU) => settings.push(word("region", "eu")),
        Some(_) => elsewhere(tools, line),
    }
    settings.extend(responders(node, tools));
    ends(node, tools);
    Some(sink("opsgenie", settings))
}

/// Who is notified, by kind: Alertmanager's `teams` takes several in one text.
fn responders(node: &Node, tools: &mut Tools<'_>) -> Vec<(String, Setting)> {
    const KINDS: [(&str, &str); 5] = [
        ("team", "teams"),
        ("teams", "teams"),
        ("user", "users"),
        ("schedule", "schedules"),
        ("escalation", "escalations"),
    ];
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for responder in items(node, "responders") {
        let named = ["name", "username", "id"]
            .iter()
            .find_map(|key| text_of(responder, key));
        let kind = text_of(responder, "type").unwrap_or_default();
        let setting = KINDS.iter().find(|(word, _)| *word == kind);
        let (Some(named), Some((_, setting))) = (named, setting) else {
            templated(tools, responder.at.line);
            continue;
        };
        if named.contains("{{") {
            templated(tools, responder.at.line);
            continue;
        }
        let names = match kind {
            "teams" => named
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect(),
            _ => vec![named.to_owned()],
        };
        match found.iter_mut().find(|(have, _)| have == setting) {
            Some((_, have)) => have.extend(names),
            None => found.push((setting, names)),
        }
    }
    found
        .into_iter()
        .map(|(setting, names)| (setting.to_owned(), Setting::List(names)))
        .collect()
}

fn templated(tools: &mut Tools<'_>, line: usize) {
    let text = format!(
        "`{}`: a responder is a template, or of a type that we do not know; name teams, users, schedules or escalations in the sink's settings",
        tools.receiver
    );
    tools.report.missing(line, text);
}

pub fn victorops(node: &Node, tools: &mut Tools<'_>) -> Option<SinkConfig> {
    let (line, name) = (node.at.line, tools.receiver);
    tools.own_form(node, &VICTOROPS_FORM);
    let key = tools.secret(node, "api_key", "api_key");
    let Some(key) = key.or_else(|| tools.global_secret("victorops_api_key", "api_key")) else {
        let text = format!("`{name}`: it has no api_key, and there is no global one");
        tools.report.missing(line, text);
        return None;
    };
    let mut settings = vec![key];
    match text_of(node, "routing_key").filter(|route| !route.contains("{{")) {
        Some(route) => settings.push(word("routing_key", route)),
        None => {
            let text = format!(
                "`{name}`: its routing_key is a template or not given; alerts go to the default route"
            );
            tools.report.near(line, text);
        }
    }
    let url = text_of(node, "api_url").or_else(|| text_of(tools.global?, "victorops_api_url"));
    if url.is_some_and(|url| url != VICTOROPS) {
        elsewhere(tools, line);
    }
    ends(node, tools);
    Some(sink("victorops", settings))
}

fn sink(sink: &'static str, settings: Vec<(String, Setting)>) -> SinkConfig {
    SinkConfig {
        sink,
        settings,
        notify_on: &[],
    }
}

fn word(name: &str, value: &str) -> (String, Setting) {
    (name.to_owned(), Setting::Text(value.to_owned()))
}

fn elsewhere(tools: &mut Tools<'_>, line: usize) {
    let text = format!(
        "`{}`: its address is not the vendor's; set `base_url` in its settings",
        tools.receiver
    );
    tools.report.near(line, text);
}

fn ends(node: &Node, tools: &mut Tools<'_>) {
    let (line, name) = (node.at.line, tools.receiver);
    let what = match send_resolved(node, true) {
        true => "an acknowledgement, a note and the like made here are told too",
        false => "without send_resolved Alertmanager does not tell the end; here it is told",
    };
    tools.report.near(line, format!("`{name}`: {what}"));
    if get(node, "http_config").is_some() {
        let text = format!("`{name}`: http_config has no counterpart");
        tools.report.missing(line, text);
    }
}

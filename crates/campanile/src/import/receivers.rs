//! Receivers: each configuration of one becomes a sink with its settings.
//!
//! A kind of receiver is one function and one line in [`KINDS`].

mod chat;
mod paging;
mod slack;
mod webhook;

use std::collections::BTreeMap;

use super::node::{boolean, entries, get, items, text_of};
use super::read::File;
use super::report::Report;
use super::secrets::Secrets;
use crate::config::yaml::{Node, Value};

/// Makes a sink of one configuration; `None`: it cannot be, which is then reported.
type Make = fn(&Node, &mut Tools<'_>) -> Option<SinkConfig>;

/// The kinds that we have, by Alertmanager's keys.
const KINDS: &[(&str, Make)] = &[
    ("slack_configs", slack::make),
    ("webhook_configs", webhook::make),
    ("pagerduty_configs", paging::pagerduty),
    ("opsgenie_configs", paging::opsgenie),
    ("victorops_configs", paging::victorops),
    ("discord_configs", chat::discord),
    ("telegram_configs", chat::telegram),
    ("msteams_configs", chat::teams),
    ("msteamsv2_configs", chat::teams),
];

/// Receivers by name, each with the sinks that it tells.
pub type Receivers = BTreeMap<String, Vec<SinkConfig>>;

/// A sink with its settings, for every integration that tells it.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    pub sink: &'static str,
    pub settings: Vec<(String, Setting)>,
    /// Kinds of events that are wanted; empty: all.
    pub notify_on: &'static [&'static str],
}

/// A setting's value.
#[derive(Clone, Debug)]
pub enum Setting {
    Text(String),
    /// With placeholders, written as it is.
    Raw(String),
    List(Vec<String>),
    /// A map of such.
    RawMap(Vec<(String, String)>),
}

/// What a kind's function works with.
pub struct Tools<'a> {
    pub receiver: &'a str,
    /// `receivers[0].slack_configs[1]`.
    path: String,
    pub global: Option<&'a Node>,
    pub secrets: &'a mut Secrets,
    pub report: &'a mut Report,
}

impl Tools<'_> {
    /// The setting `name` (or its `_file` twin) from `key` of `node`: a placeholder, or the file's path.
    pub fn secret(&mut self, node: &Node, key: &str, name: &str) -> Option<(String, Setting)> {
        self.secret_at(
            node,
            key,
            name,
            &format!("{}.{key}", self.path),
            self.receiver,
        )
    }

    /// As `secret`, from the file's global settings.
    pub fn global_secret(&mut self, key: &str, name: &str) -> Option<(String, Setting)> {
        let global = self.global?;
        self.secret_at(global, key, name, &format!("global.{key}"), "global")
    }

    fn secret_at(
        &mut self,
        node: &Node,
        key: &str,
        name: &str,
        path: &str,
        owner: &str,
    ) -> Option<(String, Setting)> {
        if let Some(value) = get(node, key) {
            let text = super::node::text(value)?;
            let what = format!("{path} (line {})", value.at.line);
            let hint = format!("{owner}_{key}");
            let raw = self.secrets.placeholder(&hint, what, text);
            return Some((name.to_owned(), Setting::Raw(raw)));
        }
        let file = text_of(node, &format!("{key}_file"))?;
        Some((format!("{name}_file"), Setting::Text(file.to_owned())))
    }

    /// A placeholder for something that is made of the file's values: `what` says how.
    pub fn placeholder(&mut self, hint: &str, what: &str, value: &str) -> String {
        let what = format!("{what}, of {}", self.path);
        let hint = format!("{}_{hint}", self.receiver);
        self.secrets.placeholder(&hint, what, value)
    }

    /// Reports those of `keys` that are written and that we have nothing like.
    pub fn own_form(&mut self, node: &Node, keys: &[&str]) {
        let written: Vec<&str> = keys
            .iter()
            .copied()
            .filter(|k| get(node, k).is_some())
            .collect();
        if !written.is_empty() {
            let text = format!(
                "`{}`: {} not used, messages have our own form",
                self.receiver,
                written.join(", ")
            );
            self.report.near(node.at.line, text);
        }
    }
}

/// Every receiver.
pub fn all(file: &File, secrets: &mut Secrets, report: &mut Report) -> Receivers {
    let mut receivers = Receivers::new();
    for (index, node) in items(&file.tree, "receivers").enumerate() {
        let Some(name) = text_of(node, "name") else {
            report.missing(node.at.line, "a receiver without a name");
            continue;
        };
        let sinks = receiver(index, name, node, file, secrets, report);
        receivers.insert(name.to_owned(), sinks);
    }
    receivers
}

fn receiver(
    index: usize,
    name: &str,
    node: &Node,
    file: &File,
    secrets: &mut Secrets,
    report: &mut Report,
) -> Vec<SinkConfig> {
    let mut sinks = Vec::new();
    let mut any = false;
    for (key, configs) in entries(node).filter(|(key, _)| *key != "name") {
        any = true;
        let Some((_, make)) = KINDS.iter().find(|(kind, _)| *kind == key) else {
            let text = format!(
                "`{name}`: `{key}`, this version has no such sink; nobody is told in its place"
            );
            report.missing(configs.at.line, text);
            continue;
        };
        let Value::List(configs) = &configs.value else {
            continue;
        };
        for (number, config) in configs.iter().enumerate() {
            let mut tools = Tools {
                receiver: name,
                path: format!("receivers[{index}].{key}[{number}]"),
                global: get(&file.tree, "global"),
                secrets,
                report,
            };
            sinks.extend(make(config, &mut tools));
        }
    }
    if !any {
        let text = format!(
            "receiver `{name}` has no configuration and tells nobody; it needs no integration"
        );
        report.exact(node.at.line, text);
    }
    sinks
}

/// Whether the end of an alert is told; `default` is the kind's.
fn send_resolved(node: &Node, default: bool) -> bool {
    boolean(node, "send_resolved").unwrap_or(default)
}

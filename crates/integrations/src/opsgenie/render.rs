//! An alert as Opsgenie's fields. Lengths are counted in characters (limits: see `form`).

use model::{Alert, AlertKind};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use wire::text::{clean, cut_chars, one_line};

use super::form::{Form, Preset, TAG_CHARS_MAX, TAGS_MAX};
use super::preset;
use crate::kit::{Task, address, words};

/// Opsgenie's documentation, "Create Alert", read 2026-11.
const MESSAGE_CHARS_MAX: usize = 130;
const DESCRIPTION_CHARS_MAX: usize = 15_000;
pub const ENTITY_CHARS_MAX: usize = 512;
/// All names and values of `details` together.
const DETAILS_CHARS_MAX: usize = 8000;
/// One value of `details`: so that one long label does not push out the others.
const DETAIL_CHARS_MAX: usize = 1000;
/// The alert's own text within the description, so that what follows it has room.
const TEXT_CHARS_MAX: usize = 12_000;
/// Cause and what to do, each.
const ADVICE_CHARS_MAX: usize = 1000;
/// Links shown, and characters of a link's words.
const LINKS_SHOWN_MAX: usize = 5;
const LINK_CHARS_MAX: usize = 100;

/// What changes while an alert is open, each by a call of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub message: String,
    pub description: Option<String>,
    pub priority: Option<&'static str>,
}

impl Shown {
    /// The alert's texts as they are now.
    pub fn of(task: &Task<'_>, form: &Form) -> Shown {
        let message = match form.preset {
            Preset::Campanile => words::title(task.alert),
            Preset::Alerta | Preset::AlertaPlugin => preset::message(task.alert, form.preset),
        };
        let test = if task.test { "Test: " } else { "" };
        let own = form.preset == Preset::Campanile;
        Shown {
            message: cut_chars(&format!("{test}{message}"), MESSAGE_CHARS_MAX).into_owned(),
            description: own.then(|| description(task)),
            priority: own.then(|| form.priority(task.alert)),
        }
    }

    /// What a handle remembers of it, to tell later what has changed.
    pub fn told(&self) -> Value {
        let digest = |text: &str| hex::encode(&Sha256::digest(text)[..8]);
        json!({
            "message": digest(&self.message),
            "description": self.description.as_deref().map(digest),
            "priority": self.priority,
        })
    }
}

/// The body of a create.
pub fn create(task: &Task<'_>, form: &Form, alias: &str) -> Value {
    let shown = Shown::of(task, form);
    if form.preset != Preset::Campanile {
        return preset::create(task, form, alias, &shown);
    }
    let content = &task.alert.content;
    let mut body = json!({
        "message": shown.message,
        "alias": alias,
        "description": shown.description,
        "priority": shown.priority,
        "source": form.source,
        "user": form.user,
        "details": details(task),
    });
    let entity = form.entity.as_deref().unwrap_or(&content.resource);
    let entity = cut_chars(&one_line(entity), ENTITY_CHARS_MAX).into_owned();
    // Empty fields are left out: it is not documented what they mean.
    let mut add = |name: &str, value: Value| {
        let is_empty = match &value {
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !is_empty {
            body[name] = value;
        }
    };
    add("entity", entity.into());
    add("tags", tags(task.alert, form).into());
    add("actions", form.actions.clone().into());
    add("responders", form.responders.clone().into());
    add("visibleTo", form.visible_to.clone().into());
    body
}

fn tags(alert: &Alert, form: &Form) -> Vec<String> {
    let labels = form.tag_labels.iter();
    let values = labels.filter_map(|name| alert.content.labels.get(name));
    fit_tags(form.tags.iter().map(String::as_str).chain(values))
}

/// Tags within their limits, each once.
pub fn fit_tags<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for text in all {
        let tag = cut_chars(&one_line(text), TAG_CHARS_MAX).into_owned();
        if !tag.is_empty() && !tags.contains(&tag) && tags.len() < TAGS_MAX {
            tags.push(tag);
        }
    }
    tags
}

/// Text, cause and what to do (E5), then the facts, links, and where the alert is in this hub.
fn description(task: &Task<'_>) -> String {
    let alert = task.alert;
    let content = &alert.content;
    let mut paragraphs = Vec::new();
    let text = clean(&content.text);
    if !text.trim().is_empty() {
        paragraphs.push(cut_chars(text.trim(), TEXT_CHARS_MAX).into_owned());
    }
    for (heading, advice) in words::advice(content) {
        // Senders often put it into their text as well; once is enough.
        if !content.text.contains(advice.trim()) {
            let advice = clean(advice);
            let advice = cut_chars(advice.trim(), ADVICE_CHARS_MAX);
            paragraphs.push(format!("{heading}: {advice}"));
        }
    }
    let mut facts = Vec::new();
    if let Some(value) = content.value.as_deref().map(one_line) {
        facts.push(format!("Value: {}", cut_chars(&value, ADVICE_CHARS_MAX)));
    }
    let since = match alert.kind {
        AlertKind::Issue => "Since",
        AlertKind::Notification => "At",
    };
    facts.push(format!("{since}: {}", words::utc(content.starts_at)));
    paragraphs.push(facts.join("\n"));
    let links: Vec<String> = content
        .links
        .iter()
        .filter_map(link)
        .take(LINKS_SHOWN_MAX)
        .collect();
    paragraphs.extend((!links.is_empty()).then(|| links.join("\n")));
    paragraphs.push(words::alert_url(task.external_url, alert));
    cut_chars(&paragraphs.join("\n\n"), DESCRIPTION_CHARS_MAX).into_owned()
}

fn link(link: &model::Link) -> Option<String> {
    let url = address::link(&link.href)?;
    let label = one_line(&link.text);
    Some(match label.is_empty() {
        true => url,
        false => format!("{}: {url}", cut_chars(&label, LINK_CHARS_MAX)),
    })
}

/// Our own facts first, then labels by their names as far as there is room. All values are texts.
fn details(task: &Task<'_>) -> Value {
    let alert = task.alert;
    let content = &alert.content;
    let url = words::alert_url(task.external_url, alert);
    let ours = [
        ("url", url.as_str()),
        ("project", task.project),
        ("integration", task.integration),
        ("alert_source", task.source),
        ("severity", alert.severity().as_str()),
        ("event", &content.event),
        ("resource", &content.resource),
        ("key", &alert.key),
    ];
    fit_details(ours.into_iter().chain(content.labels.iter()))
}

/// Details within their limit; of two with the same name the first stays.
pub fn fit_details<'a>(all: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let mut room = DETAILS_CHARS_MAX;
    let mut map = Map::new();
    for (name, value) in all {
        let (name, value) = (one_line(name), clean(value));
        let value = cut_chars(value.trim(), DETAIL_CHARS_MAX);
        let weight = name.chars().count() + value.chars().count();
        if name.is_empty() || value.is_empty() || weight > room || map.contains_key(&name) {
            continue;
        }
        room -= weight;
        map.insert(name, value.into());
    }
    Value::Object(map)
}

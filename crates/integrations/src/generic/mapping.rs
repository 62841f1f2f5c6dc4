//! A foreign JSON as the hub's own: for each field, where it stands.
//!
//! Each place is one of: a JSON pointer (`/alert/name`; with `$` in front, `$/title`, from the body's root instead of
//! the item); a template (`{{check.name}} on {{host}}`, over the item); or a fixed text.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map as JsonMap, Value};
use wire::{Template, TemplateKind};

use crate::kit::SettingsError;

/// Where the fields of a foreign JSON stand: a JSON pointer, a template, or a fixed text each.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapSettings {
    /// Pointer to the list of problems, if one body holds several: `/alerts`.
    #[serde(default)]
    items: Option<String>,
    /// What makes it the same problem as before.
    #[serde(default)]
    key: Option<String>,
    /// Whether it fires or is over; translated by `kind_map`.
    #[serde(default)]
    kind: Option<String>,
    /// The sender's words for kinds: `{"DOWN": "fire", "UP": "resolve"}`; `*` stands for all others.
    #[serde(default)]
    kind_map: BTreeMap<String, String>,
    /// How bad it is; translated by `severity_map`.
    #[serde(default)]
    severity: Option<String>,
    /// The sender's words for severities: `{"5": "critical"}`; `*` stands for all others.
    #[serde(default)]
    severity_map: BTreeMap<String, String>,
    /// What has the problem.
    #[serde(default)]
    resource: Option<String>,
    /// Which problem.
    #[serde(default)]
    event: Option<String>,
    /// One line for people.
    #[serde(default)]
    title: Option<String>,
    /// The rest for people.
    #[serde(default)]
    text: Option<String>,
    /// The measured value.
    #[serde(default)]
    value: Option<String>,
    /// When it began.
    #[serde(default)]
    starts_at: Option<String>,
    /// When it ended, or until when it holds unless it is repeated.
    #[serde(default)]
    ends_at: Option<String>,
    /// The sender's id of the message; the same one twice changes nothing.
    #[serde(default)]
    id: Option<String>,
    /// A pointer to an object of labels, or a place for each label.
    #[serde(default)]
    labels: Option<PairsSettings>,
    /// A pointer to an object of annotations, or a place for each annotation.
    #[serde(default)]
    annotations: Option<PairsSettings>,
    /// A place for each link, by its words: `{"Dashboard": "/dashboard_url"}`.
    #[serde(default)]
    links: BTreeMap<String, String>,
}

/// Labels or annotations.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum PairsSettings {
    /// A pointer to an object.
    At(String),
    /// A place for each name.
    Each(BTreeMap<String, String>),
}

/// A checked map.
pub struct Map {
    items: Option<String>,
    fields: Vec<(&'static str, Place)>,
    kind_map: BTreeMap<String, String>,
    severity_map: BTreeMap<String, String>,
    labels: Option<Pairs>,
    annotations: Option<Pairs>,
    links: Vec<(String, Place)>,
}

enum Pairs {
    At(Place),
    Each(Vec<(String, Place)>),
}

enum Place {
    Pointer(String),
    /// From the body's root.
    RootPointer(String),
    Template(Template),
    Text(String),
}

impl Map {
    /// Checks a map; every problem at once, each with the path of its setting.
    pub fn compile(settings: MapSettings) -> Result<Map, Vec<SettingsError>> {
        let mut errors = Vec::new();
        let mut place = |name: &str, text: String| match Place::parse(text) {
            Ok(place) => Some(place),
            Err(problem) => {
                errors.push(SettingsError::new(format!("map.{name}"), problem));
                None
            }
        };
        let named = [
            ("key", settings.key),
            ("kind", settings.kind),
            ("severity", settings.severity),
            ("resource", settings.resource),
            ("event", settings.event),
            ("title", settings.title),
            ("text", settings.text),
            ("value", settings.value),
            ("starts_at", settings.starts_at),
            ("ends_at", settings.ends_at),
            ("id", settings.id),
        ];
        let fields: Vec<(&'static str, Place)> = named
            .into_iter()
            .filter_map(|(name, text)| Some((name, place(name, text?)?)))
            .collect();
        let mut pairs = |name: &str, settings: Option<PairsSettings>| match settings? {
            PairsSettings::At(text) => place(name, text).map(Pairs::At),
            PairsSettings::Each(each) => {
                let each = each.into_iter();
                Some(Pairs::Each(
                    each.filter_map(|(key, text)| Some((key, place(name, text)?)))
                        .collect(),
                ))
            }
        };
        let labels = pairs("labels", settings.labels);
        let annotations = pairs("annotations", settings.annotations);
        let links = settings
            .links
            .into_iter()
            .filter_map(|(text, href)| Some((text, place("links", href)?)))
            .collect();
        if settings
            .items
            .as_ref()
            .is_some_and(|pointer| !pointer.starts_with('/'))
        {
            errors.push(SettingsError::new(
                "map.items",
                "give a JSON pointer such as /alerts",
            ));
        }
        if fields.is_empty() && labels.is_none() {
            errors.push(SettingsError::new(
                "map",
                "say at least where `key` or `title` stands",
            ));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Map {
            items: settings.items,
            fields,
            kind_map: settings.kind_map,
            severity_map: settings.severity_map,
            labels,
            annotations,
            links,
        })
    }

    /// The items of a body: the list at `items`, the body's own elements if it is a list, or the body.
    pub fn items<'a>(&self, body: &'a Value) -> Vec<&'a Value> {
        let at = self
            .items
            .as_ref()
            .map_or(Some(body), |pointer| body.pointer(pointer));
        match at {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(item) => vec![item],
            None => Vec::new(),
        }
    }

    /// The hub's own JSON for an item.
    pub fn apply(&self, item: &Value, body: &Value) -> Result<Value, String> {
        let mut object = JsonMap::new();
        for (name, place) in &self.fields {
            let found = place
                .find(item, body)
                .map_err(|problem| format!("map.{name}: {problem}"))?;
            let found = match *name {
                "kind" => translated(found, &self.kind_map),
                "severity" => translated(found, &self.severity_map),
                _ => found,
            };
            if let Some(value) = found {
                object.insert((*name).to_owned(), value);
            }
        }
        for (name, pairs) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if let Some(pairs) = pairs {
                let found = pairs
                    .find(item, body)
                    .map_err(|problem| format!("map.{name}: {problem}"))?;
                object.insert(name.to_owned(), found);
            }
        }
        let mut links = Vec::new();
        for (text, place) in &self.links {
            if let Some(Value::String(href)) = place
                .find(item, body)
                .map_err(|problem| format!("map.links: {problem}"))?
            {
                links.push(serde_json::json!({ "href": href, "text": text }));
            }
        }
        object.insert("links".to_owned(), Value::Array(links));
        Ok(Value::Object(object))
    }
}

/// The hub's word for the sender's; a word that no entry has stays as it is.
fn translated(found: Option<Value>, words: &BTreeMap<String, String>) -> Option<Value> {
    let found = found?;
    let word = match &found {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match words.get(&word).or_else(|| words.get("*")) {
        Some(ours) => Some(Value::from(ours.as_str())),
        None => Some(found),
    }
}

impl Pairs {
    fn find(&self, item: &Value, body: &Value) -> Result<Value, String> {
        match self {
            Pairs::At(place) => Ok(flat(place.find(item, body)?)),
            Pairs::Each(each) => {
                let mut object = JsonMap::new();
                for (name, place) in each {
                    if let Some(value) = place.find(item, body)? {
                        object.insert(name.clone(), value);
                    }
                }
                Ok(flat(Some(Value::Object(object))))
            }
        }
    }
}

/// Foreign objects hold more than texts: what is nested becomes JSON text, what is no object becomes nothing.
fn flat(found: Option<Value>) -> Value {
    let Some(Value::Object(object)) = found else {
        return Value::Null;
    };
    let text = |value: Value| match value {
        Value::Array(_) | Value::Object(_) => Value::from(value.to_string()),
        value => value,
    };
    object
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect::<JsonMap<_, _>>()
        .into()
}

impl Place {
    fn parse(text: String) -> Result<Place, String> {
        if text.starts_with('/') {
            return Ok(Place::Pointer(text));
        }
        if let Some(pointer) = text.strip_prefix('$').filter(|rest| rest.starts_with('/')) {
            return Ok(Place::RootPointer(pointer.to_owned()));
        }
        if text.contains("{{") {
            return Template::compile(&text, TemplateKind::Text)
                .map(Place::Template)
                .map_err(|e| e.to_string());
        }
        Ok(Place::Text(text))
    }

    /// What stands there; `None` if nothing does.
    fn find(&self, item: &Value, body: &Value) -> Result<Option<Value>, String> {
        Ok(match self {
            Place::Pointer(pointer) => item.pointer(pointer).cloned(),
            Place::RootPointer(pointer) => body.pointer(pointer).cloned(),
            Place::Template(template) => {
                let text = template.render(item).map_err(|error| error.to_string())?;
                (!text.trim().is_empty()).then_some(Value::String(text))
            }
            Place::Text(text) => Some(Value::from(text.as_str())),
        }
        .filter(|value| !value.is_null()))
    }
}

//! Settings of vendors: a map whose keys the vendor's manifest names.
//!
//! Types are checked here as far as the schema tells, so that every problem is reported at once and a secret of the
//! wrong type is never handed to code that might repeat it (I9). The vendor's own check comes after.

use std::collections::HashSet;

use integrations::kit::{SettingField, SettingsError, SettingsMap};
use model::Secret;
use serde_json::Value as Json;

use crate::config::problem::At;
use crate::config::reader::{Context, Field, Given, report_unknown};
use crate::config::yaml::{Entry, Node, Plain, Scalar, Value};

/// Settings as they were written, secrets read from their files.
pub struct Settings<'a> {
    pub map: SettingsMap,
    context: &'a Context<'a>,
    at: At,
    path: String,
    entries: &'a [Entry],
    /// Fields that have a problem already: what the vendor says about them is not repeated.
    troubled: HashSet<String>,
    secrets: Vec<Secret>,
}

/// Reads `field` (`None`: no settings are written, which may be fine). `at` and `path` say where they would stand.
/// `fields` are those that there are.
pub fn read<'a>(
    context: &'a Context<'a>,
    field: Option<Field<'a>>,
    (at, path): (At, String),
    fields: &[SettingField],
) -> Given<Settings<'a>> {
    let mut settings = Settings {
        map: SettingsMap::new(),
        context,
        at,
        path,
        entries: &[],
        troubled: HashSet::new(),
        secrets: Vec::new(),
    };
    if let Some(field) = field {
        match &field.node.value {
            Value::Map(entries) => {
                settings.at = field.node.at;
                settings.entries = entries;
            }
            Value::Broken => return Given::Broken,
            _ => {
                field.report(format!(
                    "expected a map, found {}",
                    field.node.kind_in_words()
                ));
                return Given::Broken;
            }
        }
    }
    for entry in settings.entries {
        settings.read_entry(entry, fields);
    }
    Given::Here(settings)
}

impl Settings<'_> {
    fn read_entry(&mut self, entry: &Entry, fields: &[SettingField]) {
        let path = self.path_of(&entry.key);
        if let Some(field) = fields.iter().find(|field| field.name == entry.key) {
            if entry.node.is_null() {
                return;
            }
            match self.value(&entry.node, field, &path) {
                Some(value) => {
                    self.map.insert(field.name.clone(), value);
                }
                None => {
                    self.troubled.insert(field.name.clone());
                }
            }
            return;
        }
        let twin = entry.key.strip_suffix("_file").and_then(|name| {
            fields
                .iter()
                .find(|field| field.secret && field.name == name)
        });
        if let Some(field) = twin {
            if entry.node.is_null() {
                return;
            }
            let written_too = self
                .entries
                .iter()
                .any(|other| other.key == field.name && !other.node.is_null());
            self.read_twin(entry, field, &path, written_too);
            return;
        }
        let twins: Vec<String> = fields
            .iter()
            .filter(|f| f.secret)
            .map(|f| format!("{}_file", f.name))
            .collect();
        let names = fields.iter().map(|field| field.name.as_str());
        let known: Vec<&str> = names.chain(twins.iter().map(String::as_str)).collect();
        report_unknown(self.context, entry.key_at, &path, &entry.key, &known);
    }

    /// A secret's `_file` twin. For a list of secrets the file has one on each line.
    fn read_twin(&mut self, entry: &Entry, field: &SettingField, path: &str, written_too: bool) {
        let place = Field {
            context: self.context,
            node: &entry.node,
            path: path.to_owned(),
        };
        if written_too {
            place.report(format!(
                "`{}` and `{}` are both given; keep one",
                field.name, entry.key
            ));
            self.troubled.insert(field.name.clone());
            return;
        }
        let Given::Here(secret) = place.secret_from_file() else {
            self.troubled.insert(field.name.clone());
            return;
        };
        let value = if json_types(field).contains(&"array") {
            let lines = secret
                .expose()
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty());
            lines.map(Json::from).collect()
        } else {
            Json::from(secret.expose())
        };
        self.secrets.push(secret);
        self.map.insert(field.name.clone(), value);
    }

    /// The value of a setting; `None` if it has a problem, which is then reported.
    fn value(&mut self, node: &Node, field: &SettingField, path: &str) -> Option<Json> {
        let types = json_types(field);
        if let Some(found) = mismatch(node, &types) {
            let message = format!("expected {}, found {found}", words_for(&types));
            self.context.report(node.at.problem(path, message));
            return None;
        }
        let wants_text = types.contains(&"string");
        if !field.secret {
            return json(node, wants_text);
        }
        let mut texts = Vec::new();
        let mut fine = true;
        secret_texts(node, &mut |node, text| match text {
            Some(text) if !text.trim().is_empty() => texts.push(Secret::new(text)),
            Some(_) => {
                self.context
                    .report(node.at.problem(path, "this secret is empty"));
                fine = false;
            }
            None => {
                let message = format!(
                    "expected a text (a secret, in quotes), found {}",
                    node.kind_in_words()
                );
                self.context.report(node.at.problem(path, message));
                fine = false;
            }
        });
        self.secrets.extend(texts);
        if fine { json(node, true) } else { None }
    }

    fn path_of(&self, key: &str) -> String {
        let mut path = self.path.clone();
        crate::config::yaml::push_key(&mut path, key);
        path
    }

    /// Reports what a vendor's own check found, each where its field stands.
    pub fn report(&self, errors: Vec<SettingsError>) {
        for error in errors {
            let head = error.field.split(['.', '[']).next().unwrap_or_default();
            if self.troubled.contains(head) || (head.is_empty() && !self.troubled.is_empty()) {
                continue;
            }
            let (at, path) = self.place_of(&error.field);
            self.context
                .report(at.problem(path, self.hide_secrets(error.problem)));
        }
    }

    /// Where a field such as `disk.above` stands, or as much of it as is written.
    fn place_of(&self, field: &str) -> (At, String) {
        let path = if field.is_empty() {
            self.path.clone()
        } else {
            format!("{}.{field}", self.path)
        };
        let (mut at, mut entries) = (self.at, self.entries);
        for name in field.split('.') {
            let name = name.split('[').next().unwrap_or_default();
            let found = entries
                .iter()
                .find(|entry| entry.key == name || entry.key.strip_suffix("_file") == Some(name));
            let Some(entry) = found else { break };
            at = entry.node.at;
            match &entry.node.value {
                Value::Map(inner) => entries = inner,
                _ => break,
            }
        }
        (at, path)
    }

    /// A vendor's check should not repeat a secret; if it does, it stops here (I9).
    fn hide_secrets(&self, message: String) -> String {
        self.secrets
            .iter()
            .filter(|secret| secret.expose().len() >= 4)
            .fold(message, |message, secret| {
                message.replace(secret.expose(), "[secret]")
            })
    }
}

/// The JSON types that a field's schema names; empty if it does not say.
fn json_types(field: &SettingField) -> Vec<&str> {
    match &field.schema["type"] {
        Json::String(one) => vec![one.as_str()],
        Json::Array(several) => several
            .iter()
            .filter_map(Json::as_str)
            .filter(|name| *name != "null")
            .collect(),
        _ if field.secret => {
            let any_of = field.schema["anyOf"].as_array();
            let names = any_of
                .into_iter()
                .flatten()
                .filter_map(|schema| schema["type"].as_str());
            names.filter(|name| *name != "null").collect()
        }
        _ => Vec::new(),
    }
}

/// What the value is, if the schema wants something else.
fn mismatch(node: &Node, types: &[&str]) -> Option<&'static str> {
    let found: &[&str] = match &node.value {
        Value::Broken => return None,
        Value::List(_) => &["array"],
        Value::Map(_) => &["object"],
        Value::Scalar(Scalar {
            substituted: true,
            plain: true,
            ..
        }) => &["string", "boolean", "integer", "number"],
        Value::Scalar(scalar) => match scalar.kind() {
            Plain::Null => return None,
            Plain::Bool(_) => &["boolean"],
            Plain::Integer(_) => &["integer", "number"],
            Plain::Float(_) => &["number"],
            Plain::Text => &["string"],
        },
    };
    let fits = types.is_empty() || found.iter().any(|name| types.contains(name));
    (!fits).then(|| node.kind_in_words())
}

fn words_for(types: &[&str]) -> String {
    let words: Vec<&str> = types
        .iter()
        .map(|name| match *name {
            "string" => "a text (in quotes)",
            "boolean" => "`true` or `false`",
            "integer" => "a whole number",
            "number" => "a number",
            "array" => "a list",
            "object" => "a map",
            _ => "something else",
        })
        .collect();
    words.join(" or ")
}

/// The node as JSON; `None` if something in it is broken (and reported).
fn json(node: &Node, wants_text: bool) -> Option<Json> {
    match &node.value {
        Value::Broken => None,
        Value::List(list) => list.iter().map(|item| json(item, wants_text)).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| Some((entry.key.clone(), json(&entry.node, wants_text)?)))
            .collect::<Option<SettingsMap>>()
            .map(Json::Object),
        Value::Scalar(scalar) if wants_text && scalar.substituted => {
            Some(Json::from(scalar.text.as_str()))
        }
        Value::Scalar(scalar) => Some(match scalar.kind() {
            Plain::Null => Json::Null,
            Plain::Bool(value) => Json::from(value),
            Plain::Integer(value) => Json::from(value),
            Plain::Float(value) => Json::from(value),
            Plain::Text => Json::from(scalar.text.as_str()),
        }),
    }
}

/// Hands each leaf of a secret setting to `see`: its text, or `None` if it is something else.
fn secret_texts<'n>(node: &'n Node, see: &mut dyn FnMut(&'n Node, Option<&'n str>)) {
    match &node.value {
        Value::Broken => {}
        Value::List(list) => list.iter().for_each(|item| secret_texts(item, see)),
        Value::Scalar(scalar) if scalar.substituted || scalar.kind() == Plain::Text => {
            see(node, Some(&scalar.text))
        }
        Value::Map(entries) => entries
            .iter()
            .for_each(|entry| secret_texts(&entry.node, see)),
        Value::Scalar(_) => see(node, None),
    }
}

//! Settings: parsed once from what people wrote, described by their struct's schema.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{DurationMs, Secret};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::kit::{SettingField, SettingKind};

/// Settings as people wrote them, secrets in clear. Never logged, never shown; sealed when stored.
pub type SettingsMap = Map<String, Value>;

/// One thing that is wrong with settings: which field (`""`: all together), and what to do. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SettingsError {
    pub field: String,
    pub problem: String,
}

impl SettingsError {
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> SettingsError {
        SettingsError {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// A secret setting: read from configuration, never written back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretText(pub Secret);

impl SecretText {
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SecretText, D::Error> {
        String::deserialize(deserializer)
            .map(|text| SecretText(Secret::new(text.trim_end_matches(['\r', '\n']))))
    }
}

impl JsonSchema for SecretText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "writeOnly": true, "x-secret": true })
    }
}

/// A length of time as a setting: `30s`, `5m`, `1h30m`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub DurationMs);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Span).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "span", "examples": ["5m"] })
    }
}

/// A secret for Standard Webhooks, in `wire::signatures`' form (`whsec_` and base64): a raw text stands for its bytes.
pub fn standard_secret(field: &str, text: &SecretText) -> Result<Secret, SettingsError> {
    let text = text.expose();
    if text.is_empty() {
        return Err(SettingsError::new(
            field,
            "the secret is empty: leave it out, or give one",
        ));
    }
    match text.strip_prefix("whsec_") {
        Some(key) if STANDARD.decode(key).is_ok_and(|key| !key.is_empty()) => Ok(Secret::new(text)),
        Some(_) => Err(SettingsError::new(
            field,
            "what follows `whsec_` must be base64",
        )),
        None => Ok(Secret::new(format!("whsec_{}", STANDARD.encode(text)))),
    }
}

/// The fields of a settings struct's schema, in the struct's order.
pub fn fields_of(schema: &Schema) -> Vec<SettingField> {
    let value = schema.as_value();
    let required: Vec<&str> = value["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let Some(properties) = value["properties"].as_object() else {
        return Vec::new();
    };
    properties
        .iter()
        .map(|(name, field)| SettingField {
            name: name.clone(),
            kind: match field["x-setting"].as_str() {
                Some("target") => SettingKind::Target,
                Some("credential") => SettingKind::Credential,
                _ => SettingKind::Option,
            },
            secret: is_secret(field),
            required: required.contains(&name.as_str()),
            about: field["description"].as_str().unwrap_or_default().to_owned(),
            default: field.get("default").cloned(),
            schema: field.clone(),
        })
        .collect()
}

/// A secret may be optional (`anyOf`), one of a list, or a value of a map.
fn is_secret(field: &Value) -> bool {
    let is_of = |part: &Value| part.is_object() && is_secret(part);
    field["x-secret"] == true
        || is_in(&field["anyOf"])
        || is_of(&field["items"])
        || is_of(&field["additionalProperties"])
}

fn is_in(any_of: &Value) -> bool {
    any_of
        .as_array()
        .is_some_and(|list| list.iter().any(is_secret))
}

/// Reads settings into their struct. Unknown fields, missing ones and wrong types each become an error with its field.
pub fn parse_settings<T: DeserializeOwned + JsonSchema>(
    map: &SettingsMap,
) -> Result<T, Vec<SettingsError>> {
    let fields = fields_of(&schemars::schema_for!(T));
    let mut errors: Vec<SettingsError> = map
        .keys()
        .filter(|name| !fields.iter().any(|f| f.name == **name))
        .map(|name| SettingsError::new(name, "there is no such setting"))
        .collect();
    for field in fields
        .iter()
        .filter(|f| f.required && !map.contains_key(&f.name))
    {
        errors.push(SettingsError::new(&field.name, "this setting is required"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    for field in &fields {
        if let Some(problem) = map
            .get(&field.name)
            .and_then(|value| wrong_type(field, value))
        {
            errors.push(SettingsError::new(&field.name, problem));
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    T::deserialize(Value::Object(map.clone())).map_err(|error| {
        // serde does not say which field. What is still wrong here is inside a field, and such have no secrets at
        // their top; but serde's message may repeat a value, and a secret must not come back in an error (I9).
        let alone = |field: &SettingField| {
            let mut alone = map.clone();
            let is_needed = |name: &str| fields.iter().any(|f| f.name == name && f.required);
            alone.retain(|name, _| *name == field.name || is_needed(name));
            T::deserialize(Value::Object(alone)).is_err()
        };
        let given = || fields.iter().filter(|f| map.contains_key(&f.name));
        let culprit = given()
            .find(|f| !f.required && alone(f))
            .or_else(|| given().find(|f| f.required));
        vec![match culprit {
            Some(field) if field.secret => {
                SettingsError::new(&field.name, "this is not in the form described")
            }
            Some(field) => SettingsError::new(&field.name, error.to_string()),
            None => SettingsError::new("", error.to_string()),
        }]
    })
}

/// What is wrong with a value's JSON type, without the value.
fn wrong_type(field: &SettingField, value: &Value) -> Option<String> {
    let types: Vec<&str> = match &field.schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let is_of = |name: &&str| match *name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    };
    let words: Vec<&str> = types
        .iter()
        .copied()
        .filter(|name| *name != "null")
        .collect();
    let shown = words
        .join(" or ")
        .replace("string", "text")
        .replace("array", "list");
    (!types.iter().any(is_of)).then(|| format!("this must be of type {shown}"))
}

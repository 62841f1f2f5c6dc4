//! Schemas of the forms that the API shares with webhooks. They describe themselves by schemars; the rest of the
//! description comes from utoipa.

use integrations::kit::{AlertJson, EventJson};
use serde_json::{Value, json};

/// The schema of [`AlertDto`](super::AlertDto).
pub(crate) fn alert_schema() -> Value {
    extended(
        schemars::schema_for!(AlertJson<'static>),
        "An alert: one episode of one problem.",
        &json!({
            "last_seen": { "type": "string", "description": "When a signal last spoke of it; up to a second old." },
            "seq": { "type": "integer", "minimum": 1, "description": "Number of its newest event." },
            "silenced_by": { "type": "array", "items": { "type": "string" },
                "description": "Ids of the silences that hold it now; of a closed alert none." },
        }),
    )
}

/// The schema of [`EventDto`](super::EventDto).
pub(crate) fn event_schema() -> Value {
    extended(
        schemars::schema_for!(EventJson<'static>),
        "One event of an alert's log.",
        &json!({
            "alert": { "type": "string", "description": "The alert's id." },
            "severity": { "type": ["string", "null"], "description": "What it said then, for events that carry content." },
            "title": { "type": ["string", "null"] },
            "value": { "type": ["string", "null"] },
        }),
    )
}

/// Inlines what `schema` defines beside itself, and adds `more` properties.
fn extended(schema: schemars::Schema, about: &str, more: &Value) -> Value {
    let mut schema = schema.to_value();
    let definitions = schema["$defs"].take();
    inline(&mut schema, &definitions);
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
        object.remove("$defs");
        object.remove("title");
        object.insert("description".to_owned(), about.into());
    }
    for (name, property) in more.as_object().into_iter().flatten() {
        schema["properties"][name] = property.clone();
        if let Some(required) = schema["required"].as_array_mut() {
            required.push(name.as_str().into());
        }
    }
    schema
}

fn inline(value: &mut Value, definitions: &Value) {
    let name = value["$ref"]
        .as_str()
        .and_then(|r| r.strip_prefix("#/$defs/"));
    if let Some(definition) = name.and_then(|name| definitions.get(name)) {
        *value = definition.clone();
    }
    match value {
        Value::Object(object) => object.values_mut().for_each(|v| inline(v, definitions)),
        Value::Array(list) => list.iter_mut().for_each(|v| inline(v, definitions)),
        _ => {}
    }
}

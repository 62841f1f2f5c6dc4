//! Messages as Slack's answers carry them.

use super::state::Message;
use serde_json::{Map, Value, json};

/// Attachments as Slack gives them back: numbered from 1, with a fallback.
pub(super) fn numbered(attachments: Vec<Value>) -> Vec<Value> {
    let number = |(i, mut attachment): (usize, Value)| {
        if let Some(fields) = attachment.as_object_mut() {
            fields.insert("id".into(), json!(i + 1));
            if !fields.contains_key("fallback") {
                let text = fields.get("text").or_else(|| fields.get("title")).cloned();
                fields.insert(
                    "fallback".into(),
                    text.unwrap_or_else(|| json!("[no preview available]")),
                );
            }
        }
        attachment
    };
    attachments.into_iter().enumerate().map(number).collect()
}

/// A message as Slack's answers carry it.
pub(super) fn wire(message: &Message) -> Value {
    let mut wire = Map::new();
    wire.insert("type".into(), json!("message"));
    if message.overrides.contains_key("username") {
        wire.insert("subtype".into(), json!("bot_message"));
    }
    wire.extend(message.overrides.clone());
    wire.insert("text".into(), json!(message.content.text));
    wire.insert("user".into(), json!(message.user));
    wire.insert("bot_id".into(), json!(message.bot_id));
    wire.insert("app_id".into(), json!("A0SANDBOX"));
    wire.insert("team".into(), json!(super::TEAM_ID));
    wire.insert("ts".into(), json!(message.ts));
    if let Some(thread) = &message.thread_ts {
        wire.insert("thread_ts".into(), json!(thread));
    }
    for (name, list) in [
        ("attachments", &message.content.attachments),
        ("blocks", &message.content.blocks),
    ] {
        if !list.is_empty() {
            wire.insert(name.into(), json!(list));
        }
    }
    if let Some(edited) = message.edited {
        let ts = format!("{}.000000", edited.div_euclid(1_000));
        wire.insert("edited".into(), json!({ "user": message.bot_id, "ts": ts }));
    }
    Value::Object(wire)
}

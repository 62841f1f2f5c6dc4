//! An alert, and its JSON as `GET /v2/alerts/{id}` has it.

use crate::limits;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A note, or a line of the activity log.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The note's or the line's text.
    pub text: String,
    /// Who wrote it.
    pub owner: String,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// Its place, for paging; rises.
    pub offset: u64,
}

/// An alert.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Alert {
    pub id: String,
    pub tiny_id: u64,
    pub alias: String,
    pub message: String,
    pub description: String,
    pub closed: bool,
    pub acknowledged: bool,
    pub tags: Vec<String>,
    /// Until when it is snoozed, milliseconds since the epoch.
    pub snoozed_until: Option<i64>,
    /// How often it was created while it was open.
    pub count: u64,
    pub last_occurred_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub source: String,
    pub owner: String,
    pub priority: String,
    pub responders: Vec<Value>,
    pub visible_to: Vec<Value>,
    pub actions: Vec<String>,
    pub entity: String,
    pub details: Map<String, Value>,
    pub notes: Vec<Entry>,
    pub logs: Vec<Entry>,
    /// When, and by whom.
    pub acked: Option<(i64, String)>,
    pub close: Option<(i64, String)>,
    /// Teams and escalations it was sent to later.
    pub escalated: Vec<String>,
    pub(super) last_offset: u64,
}

impl Alert {
    pub(super) fn note(&mut self, text: &str, owner: &str, at: i64) {
        self.last_offset += 1;
        let entry = entry(text, owner, at, self.last_offset);
        push(&mut self.notes, entry, limits::OPSGENIE_NOTES);
    }

    pub(super) fn log(&mut self, text: &str, owner: &str, at: i64) {
        self.last_offset += 1;
        self.updated_at = at;
        let entry = entry(text, owner, at, self.last_offset);
        push(&mut self.logs, entry, limits::OPSGENIE_LOGS);
    }

    /// About how many bytes it keeps in memory.
    pub(super) fn weight(&self) -> usize {
        let entries = self.notes.iter().chain(&self.logs);
        let entries: usize = entries.map(|entry| entry.text.len() + 64).sum();
        let details: usize = self
            .details
            .iter()
            .map(|(k, v)| k.len() + v.as_str().map_or(8, str::len))
            .sum();
        self.message.len() + self.description.len() + entries + details + 1_000
    }

    pub(super) fn status(&self) -> &'static str {
        if self.closed { "closed" } else { "open" }
    }

    /// As a list shows it.
    pub(super) fn short(&self) -> Value {
        let mut json = json!({
            "id": self.id,
            "tinyId": self.tiny_id.to_string(),
            "alias": self.alias,
            "message": self.message,
            "status": self.status(),
            "acknowledged": self.acknowledged,
            "isSeen": false,
            "tags": self.tags,
            "snoozed": self.snoozed_until.is_some(),
            "count": self.count,
            "lastOccurredAt": time(self.last_occurred_at),
            "createdAt": time(self.created_at),
            "updatedAt": time(self.updated_at),
            "source": self.source,
            "owner": self.owner,
            "priority": self.priority,
            "responders": self.responders.iter().map(as_id).collect::<Vec<_>>(),
            "integration": { "id": "4513b7ea-3b91-438f-b7e4-e3e54af9147c", "name": "API", "type": "API" },
            "report": {},
        });
        if let Some(until) = self.snoozed_until {
            json["snoozedUntil"] = json!(time(until));
        }
        if let Some((at, by)) = &self.acked {
            json["report"]["ackTime"] = json!(at - self.created_at);
            json["report"]["acknowledgedBy"] = json!(by);
        }
        if let Some((at, by)) = &self.close {
            json["report"]["closeTime"] = json!(at - self.created_at);
            json["report"]["closedBy"] = json!(by);
        }
        json
    }

    /// As `GET /v2/alerts/{id}` shows it.
    pub(super) fn whole(&self) -> Value {
        let mut json = self.short();
        json["actions"] = json!(self.actions);
        json["entity"] = json!(self.entity);
        json["description"] = json!(self.description);
        json["details"] = json!(self.details);
        json
    }
}

fn entry(text: &str, owner: &str, at: i64, offset: u64) -> Entry {
    Entry {
        text: text.to_owned(),
        owner: owner.to_owned(),
        at,
        offset,
    }
}

fn push(entries: &mut Vec<Entry>, entry: Entry, max: usize) {
    entries.push(entry);
    if entries.len() > max {
        entries.remove(0);
    }
}

/// Responders are shown by type and id, however they were named.
fn as_id(responder: &Value) -> Value {
    let named = ["id", "name", "username"]
        .into_iter()
        .find_map(|key| responder[key].as_str());
    let name = named.unwrap_or_default();
    let id = match responder["id"].as_str() {
        Some(id) => id.to_owned(),
        None => super::account::stable_uuid(&format!("{}:{name}", responder["type"])),
    };
    json!({ "type": responder["type"], "id": id })
}

/// RFC 3339 with milliseconds.
pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

//! What the organization keeps.

use super::{AGGREGATE, EVENTS};
use crate::kept::Kept;
use crate::limits;
use crate::pace::Pace;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Ids have 64 bits, so that a client which reads them as floats loses digits.
const FIRST_ID: i64 = 6_990_000_000_000_000_001;

/// An event as Datadog keeps it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    pub id: i64,
    pub title: String,
    pub text: String,
    /// `error`, `warning`, `info`, `success`, `user_update`, `recommendation` or `snapshot`.
    pub alert_type: String,
    pub priority: String,
    pub tags: Vec<String>,
    pub host: Option<String>,
    pub aggregation_key: Option<String>,
    pub source_type_name: Option<String>,
    /// Seconds since the epoch.
    pub date_happened: i64,
    /// When it came, milliseconds since the epoch.
    pub at: i64,
}

impl Event {
    /// The event in Datadog's form. It shows no aggregation key.
    pub(super) fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "id_str": self.id.to_string(),
            "title": self.title,
            "text": self.text,
            "alert_type": self.alert_type,
            "priority": self.priority,
            "tags": self.tags,
            "host": self.host.clone().unwrap_or_default(),
            "source_type_name": self.source_type_name.clone().unwrap_or_default(),
            "date_happened": self.date_happened,
            "url": format!("/event/event?id={}", self.id),
        })
    }

    fn weight(&self) -> usize {
        self.title.len()
            + self.text.len()
            + self.tags.iter().map(|tag| tag.len() + 24).sum::<usize>()
            + 256
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) events: Kept<Event>,
    pub(super) refused_keys: HashSet<String>,
    next: i64,
    pace: Pace,
}

impl Default for State {
    fn default() -> Self {
        Self {
            events: Kept::new(limits::LOG_ENTRIES, limits::LOG_ENTRY_BYTES),
            refused_keys: HashSet::new(),
            next: FIRST_ID,
            pace: Pace::default(),
        }
    }
}

impl State {
    pub(super) fn keep(&mut self, mut event: Event, now: i64) -> Event {
        event.id = self.next;
        event.at = now;
        self.next += 1;
        let weight = event.weight();
        drop(self.events.push(event.clone(), weight));
        event
    }

    /// Takes one of the organization's hour and of the aggregate's day, or says how many seconds to wait.
    pub(super) fn take(&mut self, key: &str, aggregate: Option<&str>, now: i64) -> Result<(), u64> {
        self.pace.take(&format!("k:{key}"), EVENTS, now)?;
        aggregate.map_or(Ok(()), |aggregate| {
            self.pace.take(&format!("a:{aggregate}"), AGGREGATE, now)
        })
    }

    pub(super) fn set_key(&mut self, key: String, valid: bool) -> Result<(), String> {
        if valid {
            self.refused_keys.remove(&key);
        } else if self.refused_keys.len() >= limits::KNOBS {
            return Err(format!("at most {} keys", limits::KNOBS));
        } else {
            self.refused_keys.insert(key);
        }
        Ok(())
    }
}

//! What an organization knows.

use super::rules::Kind;
use crate::kept::Kept;
use crate::limits;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Phase {
    Unacked,
    Acked,
    Resolved,
}

/// An incident.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    pub number: u64,
    pub entity_id: String,
    pub name: String,
    pub phase: Phase,
    /// The routing key that it came by; `None` is the default route.
    pub routing_key: Option<String>,
    /// Who acknowledged it.
    pub ack_author: Option<String>,
    /// Alerts that rolled up into it, the first included.
    pub alerts: u64,
    /// The newest alert's fields.
    pub fields: Map<String, Value>,
    /// Milliseconds since the epoch.
    pub opened_at: i64,
    pub changed_at: i64,
}

/// One entry of the timeline.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// `CRITICAL`, `INFO` …: what the message was taken as.
    pub kind: &'static str,
    pub entity_id: String,
    pub name: String,
    pub message: String,
    /// Milliseconds since the epoch.
    pub at: i64,
}

/// One simulated organization.
#[derive(Debug)]
pub(super) struct Organization {
    pub(super) warning_opens: bool,
    /// The API keys that are taken; none: all.
    pub(super) keys: HashSet<String>,
    pub(super) failure_status: StatusCode,
    pub(super) incidents: BTreeMap<u64, Incident>,
    pub(super) timeline: Kept<Entry>,
    open: HashMap<String, u64>,
    last_number: u64,
}

impl Default for Organization {
    fn default() -> Self {
        Self {
            warning_opens: true,
            keys: HashSet::new(),
            failure_status: StatusCode::OK,
            incidents: BTreeMap::new(),
            timeline: Kept::new(limits::VICTOROPS_INCIDENTS, limits::VICTOROPS_BYTES),
            open: HashMap::new(),
            last_number: 0,
        }
    }
}

impl Organization {
    /// The incident of an entity that has not recovered.
    pub(super) fn open(&self, entity_id: &str) -> Option<u64> {
        self.open.get(entity_id).copied()
    }

    pub(super) fn say(&mut self, kind: Kind, entity_id: &str, name: &str, message: &str, now: i64) {
        let entry = Entry {
            kind: kind.word(),
            entity_id: entity_id.to_owned(),
            name: name.to_owned(),
            message: message.to_owned(),
            at: now,
        };
        let weight = entity_id.len() + name.len() + message.len();
        self.timeline.push(entry, weight);
    }

    pub(super) fn trigger(
        &mut self,
        entity_id: &str,
        name: &str,
        routing_key: Option<String>,
        fields: &Map<String, Value>,
        now: i64,
    ) {
        self.last_number += 1;
        let incident = Incident {
            number: self.last_number,
            entity_id: entity_id.to_owned(),
            name: name.to_owned(),
            phase: Phase::Unacked,
            routing_key,
            ack_author: None,
            alerts: 1,
            fields: fields.clone(),
            opened_at: now,
            changed_at: now,
        };
        self.open.insert(entity_id.to_owned(), incident.number);
        self.incidents.insert(incident.number, incident);
        while self.incidents.len() > limits::VICTOROPS_INCIDENTS {
            let Some((number, gone)) = self.incidents.pop_first() else {
                break;
            };
            if self.open.get(&gone.entity_id) == Some(&number) {
                self.open.remove(&gone.entity_id);
            }
        }
    }

    /// The same entity again: an acknowledged one stays acknowledged.
    pub(super) fn roll_up(&mut self, number: u64, fields: &Map<String, Value>, now: i64) {
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.alerts += 1;
            incident.fields = fields.clone();
            incident.changed_at = now;
        }
    }

    pub(super) fn acknowledge(&mut self, number: u64, author: &str, now: i64) {
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.phase = Phase::Acked;
            incident.ack_author = (!author.is_empty()).then(|| author.to_owned());
            incident.changed_at = now;
        }
    }

    pub(super) fn recover(&mut self, number: u64, now: i64) {
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.phase = Phase::Resolved;
            incident.changed_at = now;
            self.open.remove(&incident.entity_id);
        }
    }
}

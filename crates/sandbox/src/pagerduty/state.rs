//! What an account knows.

use crate::kept::Kept;
use crate::limits;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// An incident's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Triggered,
    Acknowledged,
    Resolved,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Triggered, Self::Acknowledged, Self::Resolved]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// A note on an incident.
#[derive(Debug, Clone, Serialize)]
pub struct Note {
    pub id: String,
    pub content: String,
    /// The `From` of who wrote it.
    pub from: String,
    /// Milliseconds since the epoch.
    pub at: i64,
}

/// One entry of an incident's log.
#[derive(Debug, Clone, Serialize)]
pub struct LogEntry {
    /// `trigger_log_entry`, `acknowledge_log_entry` …
    pub kind: &'static str,
    /// Through what: `api` for events, `website` for REST writes, `timeout` for the end of a snooze.
    pub channel: &'static str,
    pub summary: String,
    /// Milliseconds since the epoch.
    pub at: i64,
}

/// An incident with its one alert.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    pub id: String,
    pub number: u64,
    /// The dedup key of its alert.
    pub key: String,
    /// The routing key that it came by.
    pub routing_key: String,
    pub status: Status,
    pub title: String,
    /// The newest payload.
    pub payload: Value,
    pub client: Option<String>,
    pub client_url: Option<String>,
    pub links: Value,
    /// How many triggers it got, the first included.
    pub triggers: u64,
    pub notes: Vec<Note>,
    pub log: Vec<LogEntry>,
    /// Ids of the users whom it is assigned to.
    pub assignees: Vec<String>,
    pub escalation_level: u64,
    /// When it comes back from its snooze.
    pub snoozed_until: Option<i64>,
    pub resolution: Option<String>,
    /// Milliseconds since the epoch, as the others.
    pub created_at: i64,
    pub updated_at: i64,
    pub status_changed_at: i64,
}

impl Incident {
    pub(super) fn note_log(
        &mut self,
        kind: &'static str,
        channel: &'static str,
        summary: &str,
        at: i64,
    ) {
        self.updated_at = at;
        if self.log.len() >= limits::PAGERDUTY_LOG {
            // The first entry tells how it began.
            self.log.remove(1);
        }
        self.log.push(LogEntry {
            kind,
            channel,
            summary: summary.chars().take(limits::VIOLATION_CHARS).collect(),
            at,
        });
    }
}

/// A change event.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    pub routing_key: String,
    pub payload: Value,
    pub links: Value,
    /// When it came, milliseconds since the epoch.
    pub at: i64,
}

/// What the sandbox's switches say.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Events of keys that were not registered are answered 202 and dropped.
    pub(super) strict_keys: bool,
    /// REST writes need a `From` (an account's token); a user's own does not.
    pub(super) from_required: bool,
    /// REST answers carry `ratelimit-…`.
    pub(super) rest_limit_headers: bool,
    /// How long after its first event an incident is listed.
    pub(super) listing_delay_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strict_keys: false,
            from_required: true,
            rest_limit_headers: true,
            listing_delay_ms: 0,
        }
    }
}

/// One simulated account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) settings: Settings,
    /// Routing keys with the names of their services.
    pub(super) services: BTreeMap<String, Service>,
    pub(super) incidents: BTreeMap<u64, Incident>,
    /// The open incident of a routing key and a dedup key.
    pub(super) open: HashMap<(String, String), u64>,
    pub(super) changes: Kept<Change>,
    pub(super) dropped: u64,
    snoozed: BTreeSet<u64>,
    last_number: u64,
    /// When the events and requests of the last 60 s came, by routing key and by token.
    windows: HashMap<String, VecDeque<i64>>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            services: BTreeMap::new(),
            incidents: BTreeMap::new(),
            open: HashMap::new(),
            changes: Kept::new(limits::PAGERDUTY_INCIDENTS, limits::PAGERDUTY_BYTES),
            dropped: 0,
            snoozed: BTreeSet::new(),
            last_number: 0,
            windows: HashMap::new(),
        }
    }
}

/// A service of the account.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Service {
    pub(super) id: String,
    pub(super) name: String,
}

impl Account {
    /// Registers a key, or gives a registered one another name. `None`: there are too many.
    pub(super) fn register(&mut self, routing_key: &str, name: Option<&str>) -> Option<&Service> {
        if !self.services.contains_key(routing_key) {
            if self.services.len() >= limits::PAGERDUTY_SERVICES {
                return None;
            }
            let number = self.services.len() + 1;
            let service = Service {
                id: format!("PSRV{number:04}"),
                name: format!("Service {number}"),
            };
            self.services.insert(routing_key.to_owned(), service);
        }
        let service = self.services.get_mut(routing_key)?;
        if let Some(name) = name {
            service.name = name.to_owned();
        }
        Some(service)
    }

    /// The number of a new thing.
    pub(super) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(super) fn keep(&mut self, incident: Incident) {
        let key = (incident.routing_key.clone(), incident.key.clone());
        self.open.insert(key, incident.number);
        self.incidents.insert(incident.number, incident);
        while self.incidents.len() > limits::PAGERDUTY_INCIDENTS {
            let Some((number, gone)) = self.incidents.pop_first() else {
                break;
            };
            self.snoozed.remove(&number);
            let key = (gone.routing_key, gone.key);
            if self.open.get(&key) == Some(&number) {
                self.open.remove(&key);
            }
        }
    }

    /// Puts an incident into a status; what is resolved is no longer found by its key.
    pub(super) fn set_status(&mut self, number: u64, status: Status, now: i64) {
        let Some(incident) = self.incidents.get_mut(&number) else {
            return;
        };
        incident.status = status;
        incident.status_changed_at = now;
        incident.updated_at = now;
        incident.snoozed_until = None;
        self.snoozed.remove(&number);
        let key = (incident.routing_key.clone(), incident.key.clone());
        match status {
            Status::Resolved if self.open.get(&key) == Some(&number) => {
                self.open.remove(&key);
            }
            Status::Resolved => {}
            Status::Triggered | Status::Acknowledged => {
                self.open.insert(key, number);
            }
        }
    }

    pub(super) fn snooze(&mut self, number: u64, until: i64, now: i64) {
        self.set_status(number, Status::Acknowledged, now);
        if let Some(incident) = self.incidents.get_mut(&number) {
            incident.snoozed_until = Some(until);
            self.snoozed.insert(number);
        }
    }

    /// Ends the snoozes that are over.
    pub(super) fn tick(&mut self, now: i64) {
        let over: Vec<u64> = self
            .snoozed
            .iter()
            .copied()
            .filter(|number| {
                let incident = self.incidents.get(number);
                incident.is_none_or(|i| i.snoozed_until.is_none_or(|until| until <= now))
            })
            .collect();
        for number in over {
            self.set_status(number, Status::Triggered, now);
            self.snoozed.remove(&number);
            if let Some(incident) = self.incidents.get_mut(&number) {
                incident.note_log("unacknowledge_log_entry", "timeout", "Snooze ended", now);
            }
        }
    }

    /// Counts one more in the last 60 s, unless there are `max` already. Gives how many are left, or how many
    /// milliseconds until the oldest leaves the window. What is refused does not count.
    pub(super) fn count(&mut self, name: String, max: usize, now: i64) -> Result<usize, i64> {
        if self.windows.len() >= limits::BUCKETS {
            self.windows
                .retain(|_, times| times.back().is_some_and(|at| at + 60_000 > now));
        }
        let times = self.windows.entry(name).or_default();
        while times.front().is_some_and(|at| at + 60_000 <= now) {
            times.pop_front();
        }
        match times.front() {
            Some(oldest) if times.len() >= max => Err(oldest + 60_000 - now),
            _ => {
                times.push_back(now);
                Ok(max - times.len())
            }
        }
    }
}

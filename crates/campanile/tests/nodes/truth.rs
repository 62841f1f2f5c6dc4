//! What the senders heard: the truth that the nodes are held to.

use std::collections::{BTreeMap, BTreeSet};

/// One thing of one sender, which is signalled about by one signal at a time.
#[derive(Clone, Debug)]
pub struct Key {
    pub name: String,
    /// As last said; `None`: resolved.
    pub severity: Option<&'static str>,
    /// The events that its alert's log must have by now.
    pub events: Vec<&'static str>,
    /// Alerts that an answer named.
    pub alerts: BTreeSet<String>,
    /// A signal about it had no answer, so that the node may take it later. (Who is told "try again" was not heard.)
    pub doubtful: bool,
}

impl Key {
    pub fn new(name: String) -> Key {
        Key {
            name,
            severity: None,
            events: Vec::new(),
            alerts: BTreeSet::new(),
            doubtful: false,
        }
    }

    /// It was accepted that this is so now.
    pub fn accepted(&mut self, said: Option<&'static str>) {
        let event = match (self.severity, said) {
            (None, None) => None,
            (None, Some(_)) if self.events.is_empty() => Some("opened"),
            (None, Some(_)) => Some("reopened"),
            (Some(_), None) => Some("closed"),
            (Some(before), Some(now)) => (before != now).then_some("severity_changed"),
        };
        self.events.extend(event);
        self.severity = said;
    }
}

#[derive(Debug, Default)]
pub struct Truth {
    /// Of the senders.
    pub own: Vec<Key>,
    /// Of all senders at once: whether it is open at the end, and the alerts that answers named.
    pub shared: BTreeMap<String, (bool, BTreeSet<String>)>,
    /// Signals answered with 2xx.
    pub accepted: u64,
    /// Signals told to try again, and tried again.
    pub refused: u64,
    /// Signals without an answer, and sent again.
    pub unanswered: u64,
    /// From the first to the last.
    pub took_ms: i64,
    pub problems: Vec<String>,
}

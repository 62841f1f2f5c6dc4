//! What an account knows: alerts, requests that wait, switches.

use super::actions::{Action, apply};
use super::alert::Alert;
use crate::limits;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What a key may do; the boxes of an API integration.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyKnob {
    pub(super) unknown: bool,
    pub(super) disabled: bool,
    pub(super) rights: Vec<String>,
}

/// Whether requests come too fast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Throttle {
    #[default]
    No,
    /// Taken, and the header says so.
    Delayed,
    /// 429.
    Rejected,
}

/// Requests that are to be taken and then not applied.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    /// Only this action, e.g. `close`; any if absent.
    pub(super) action: Option<String>,
    pub(super) status: String,
    pub(super) times: u64,
}

/// A request that was taken.
#[derive(Debug, Clone)]
struct Taken {
    /// What is still to be done.
    action: Option<Action>,
    due_at: i64,
    /// How often the question is still answered with "not processed".
    polls_left: u32,
    /// What became of it.
    fate: Value,
}

/// The whole account.
#[derive(Debug, Default)]
pub(super) struct Account {
    alerts: BTreeMap<u64, Alert>,
    bytes: usize,
    last_tiny: u64,
    taken: HashMap<String, Taken>,
    /// Newest last; those before `settled` are processed.
    order: VecDeque<String>,
    waiting: VecDeque<String>,
    last_request: u64,
    pub(super) keys: HashMap<String, KeyKnob>,
    pub(super) failing: Vec<Failing>,
    pub(super) pending_ms: i64,
    pub(super) pending_polls: u32,
    pub(super) throttle: Throttle,
}

/// How an alert is named.
#[derive(Debug, Clone)]
pub(super) enum Named {
    Id(String),
    Alias(String),
    Tiny(String),
}

impl Account {
    /// Oldest first.
    pub(super) fn alerts(&self) -> impl DoubleEndedIterator<Item = &Alert> {
        self.alerts.values()
    }

    /// The alert of that name; of several with one alias the open one, else the newest.
    pub(super) fn find(&self, named: &Named) -> Option<&Alert> {
        self.tiny_of(named).and_then(|tiny| self.alerts.get(&tiny))
    }

    fn tiny_of(&self, named: &Named) -> Option<u64> {
        let mut newest_first = self.alerts.values().rev();
        let found = match named {
            Named::Id(id) => newest_first.find(|alert| alert.id == *id),
            Named::Tiny(tiny) => tiny.parse().ok().and_then(|tiny| self.alerts.get(&tiny)),
            Named::Alias(alias) => {
                let same: Vec<_> = newest_first.filter(|a| a.alias == *alias).collect();
                same.iter().find(|a| !a.closed).or(same.first()).copied()
            }
        };
        found.map(|alert| alert.tiny_id)
    }

    /// Changes an alert, keeping count of its weight.
    pub(super) fn change<T>(
        &mut self,
        named: &Named,
        change: impl FnOnce(&mut Alert) -> T,
    ) -> Option<T> {
        let tiny = self.tiny_of(named)?;
        let alert = self.alerts.get_mut(&tiny)?;
        let before = alert.weight();
        let done = change(alert);
        self.bytes = (self.bytes + alert.weight()).saturating_sub(before);
        Some(done)
    }

    /// A new alert; gives its id. The oldest go where there are too many.
    pub(super) fn add(&mut self, mut alert: Alert, now: i64) -> String {
        self.last_tiny += 1;
        alert.tiny_id = self.last_tiny;
        alert.id = format!(
            "{}-{now}",
            stable_uuid(&format!("alert {}", self.last_tiny))
        );
        if alert.alias.is_empty() {
            alert.alias.clone_from(&alert.id);
        }
        let id = alert.id.clone();
        self.bytes += alert.weight();
        self.alerts.insert(alert.tiny_id, alert);
        while self.alerts.len() > limits::OPSGENIE_ALERTS
            || self.bytes > limits::OPSGENIE_ALERT_BYTES
        {
            let Some((_, gone)) = self.alerts.pop_first() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(gone.weight());
        }
        id
    }

    pub(super) fn remove(&mut self, named: &Named) -> Option<Alert> {
        let gone = self.alerts.remove(&self.tiny_of(named)?)?;
        self.bytes = self.bytes.saturating_sub(gone.weight());
        Some(gone)
    }

    /// The next request's id.
    pub(super) fn request_id(&mut self) -> String {
        self.last_request += 1;
        stable_uuid(&format!("request {}", self.last_request))
    }

    /// Takes an action; it is done when its time has come.
    pub(super) fn take(&mut self, request_id: &str, action: Action, now: i64) {
        let taken = Taken {
            action: Some(action),
            due_at: now + self.pending_ms,
            polls_left: self.pending_polls,
            fate: Value::Null,
        };
        self.taken.insert(request_id.to_owned(), taken);
        self.order.push_back(request_id.to_owned());
        self.waiting.push_back(request_id.to_owned());
        if self.order.len() > limits::OPSGENIE_REQUESTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.taken.remove(&oldest);
        }
        self.settle(now);
    }

    /// Does what is due, in the order in which it came, and ends snoozes.
    pub(super) fn settle(&mut self, now: i64) {
        while let Some(id) = self.waiting.front().cloned() {
            if self.taken.get(&id).is_some_and(|taken| taken.due_at > now) {
                break;
            }
            self.waiting.pop_front();
            let action = self
                .taken
                .get_mut(&id)
                .and_then(|taken| taken.action.take());
            let Some(action) = action else {
                continue;
            };
            let (alert, applied) = match self.fails(&action.name) {
                Some(status) => (None, Err(status)),
                None => apply(self, &action, now),
            };
            let alias = action.alias();
            let fate = json!({
                "isSuccess": applied.is_ok(),
                "success": applied.is_ok(),
                "action": action.title(),
                "processedAt": super::alert::time(now),
                "integrationId": "4513b7ea-3b91-438f-b7e4-e3e54af9147c",
                "status": match &applied { Ok(status) | Err(status) => status },
                "alertId": alert.clone().unwrap_or_default(),
                "alias": alias.unwrap_or_default(),
            });
            if let Some(taken) = self.taken.get_mut(&id) {
                taken.fate = fate;
            }
        }
        for alert in self.alerts.values_mut() {
            if alert.snoozed_until.is_some_and(|until| until <= now) {
                alert.snoozed_until = None;
                alert.log("Snooze ended", "System", now);
            }
        }
    }

    /// The words with which an action is to fail, if one is set.
    fn fails(&mut self, action: &str) -> Option<String> {
        let wanted = |f: &Failing| f.times > 0 && f.action.as_deref().is_none_or(|a| a == action);
        let failing = self.failing.iter_mut().find(|failing| wanted(failing))?;
        failing.times -= 1;
        Some(failing.status.clone())
    }

    /// What became of a request; `None` while nobody has looked at it.
    pub(super) fn fate(&mut self, request_id: &str) -> Option<Value> {
        let taken = self.taken.get_mut(request_id)?;
        if taken.fate.is_null() {
            return None;
        }
        if taken.polls_left > 0 {
            taken.polls_left -= 1;
            return None;
        }
        Some(taken.fate.clone())
    }
}

/// An id that follows from a text, in the form of a UUID.
pub(super) fn stable_uuid(text: &str) -> String {
    let mut digits = String::with_capacity(36);
    for (index, byte) in Sha256::digest(text).iter().take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            digits.push('-');
        }
        digits.push_str(&format!("{byte:02x}"));
    }
    digits
}

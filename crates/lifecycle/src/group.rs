//! A group of alerts that is told as one: who is in it, and what it says.
//!
//! A group is an alert of its own (`LifecycleModel::Group`) that lives by the usual rules: it opens with its first
//! member, says what is open in it, and closes with the last. Who is in it stands in its `model_state`.

use std::collections::BTreeMap;

use model::limits::{GROUP_MEMBERS_MAX, KEY_BYTES_MAX, TITLE_CHARS_MAX};
use model::{Alert, AlertId, Labels, Severity, Signal, SignalKind, Status};
use serde::{Deserialize, Serialize};

/// Members that its text names; the rest is a number.
const NAMED_MAX: usize = 20;
/// Characters of a member's title that are kept.
const MEMBER_TITLE_CHARS: usize = 100;

/// Who is in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    open: BTreeMap<AlertId, Member>,
    /// How many were in it since it opened.
    ever: u32,
}

/// One member, as short as can be: a group's row holds all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Severity, String, bool)", into = "(Severity, String, bool)")]
struct Member {
    severity: Severity,
    title: String,
    is_acknowledged: bool,
}

impl From<(Severity, String, bool)> for Member {
    fn from((severity, title, is_acknowledged): (Severity, String, bool)) -> Member {
        Member {
            severity,
            title,
            is_acknowledged,
        }
    }
}

impl From<Member> for (Severity, String, bool) {
    fn from(member: Member) -> (Severity, String, bool) {
        (member.severity, member.title, member.is_acknowledged)
    }
}

/// The group has as many members as it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the group has {GROUP_MEMBERS_MAX} members, which is the most: group by more labels")]
pub struct Full;

/// What makes alerts one group: the labels that they share, and a key made of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOf {
    pub key: String,
    /// Those of the labels asked for that the alert has.
    pub labels: Labels,
}

/// The group of an alert with these labels, if alerts are put together by the labels `by`.
pub fn group_of(by: &[String], labels: &Labels) -> GroupOf {
    let mut by: Vec<&str> = by.iter().map(String::as_str).collect();
    by.sort_unstable();
    by.dedup();
    let shared: Labels = by
        .into_iter()
        .filter_map(|name| Some((name, labels.get(name).filter(|v| !v.is_empty())?)))
        .collect();
    let text: Vec<String> = shared
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    let text = format!("{{{}}}", text.join(","));
    GroupOf {
        key: match text.len() <= KEY_BYTES_MAX {
            true => text,
            false => format!("{:032x}", fingerprint(&text)),
        },
        labels: shared,
    }
}

impl Members {
    /// The members of a group; nobody, if it is closed: who joins then begins a new one.
    pub fn of(group: Option<&Alert>) -> Members {
        group
            .filter(|group| !group.is_closed())
            .and_then(|group| serde_json::from_value(group.model_state.clone()?).ok())
            .unwrap_or_default()
    }

    /// The group's `model_state`.
    pub fn to_state(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Takes note of an alert as it is now: in the group while it is open, out of it when it is over. Whether that
    /// changed anything.
    pub fn note(&mut self, alert: &Alert) -> Result<bool, Full> {
        if matches!(alert.status, Status::Closed | Status::Tracking) {
            return Ok(self.leave(alert.id));
        }
        let member = Member {
            severity: alert.severity(),
            title: title_of(alert),
            is_acknowledged: alert.status == Status::Acknowledged,
        };
        match self.open.get(&alert.id) {
            Some(known) if *known == member => return Ok(false),
            Some(_) => {}
            None if self.open.len() >= GROUP_MEMBERS_MAX => return Err(Full),
            None => self.ever += 1,
        }
        self.open.insert(alert.id, member);
        Ok(true)
    }

    /// Takes an alert out; whether it was in.
    pub fn leave(&mut self, alert: AlertId) -> bool {
        self.open.remove(&alert).is_some()
    }

    pub fn len(&self) -> usize {
        self.open.len()
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// What the group says now: that it is open, and who is in it, or that it is over.
    pub fn signal(&self, of: &GroupOf) -> Signal {
        let event = of.labels.get("alertname").unwrap_or_default().to_owned();
        if self.is_empty() {
            let text = match self.ever {
                1 => "It is over.".to_owned(),
                ever => format!("All of {ever} are over."),
            };
            return Signal {
                key: of.key.clone(),
                kind: SignalKind::Resolve,
                text,
                ..Signal::default()
            };
        }
        Signal {
            key: of.key.clone(),
            kind: SignalKind::Fire,
            severity: self.open.values().map(|m| m.severity).max(),
            event,
            title: self.title(of),
            text: self.text(),
            labels: of.labels.clone(),
            ..Signal::default()
        }
    }

    fn title(&self, of: &GroupOf) -> String {
        let shared: Vec<String> = of
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let of = match shared.is_empty() {
            true => String::new(),
            false => format!(": {}", shared.join(", ")),
        };
        let title = match self.open.len() {
            1 => format!("1 alert{of}"),
            n => format!("{n} alerts{of}"),
        };
        title
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(TITLE_CHARS_MAX)
            .collect()
    }

    /// The worst first, then the oldest.
    fn text(&self) -> String {
        let mut members: Vec<&Member> = self.open.values().collect();
        members.sort_by_key(|member| std::cmp::Reverse(member.severity));
        let mut lines: Vec<String> = members
            .iter()
            .take(NAMED_MAX)
            .map(|member| {
                let acknowledged = match member.is_acknowledged {
                    true => " (acknowledged)",
                    false => "",
                };
                format!("{}: {}{acknowledged}", member.severity, member.title)
            })
            .collect();
        if members.len() > NAMED_MAX {
            lines.push(format!("and {} more", members.len() - NAMED_MAX));
        }
        lines.join("\n")
    }
}

fn title_of(alert: &Alert) -> String {
    let content = &alert.content;
    let title = match content.title.as_str() {
        "" => content.event.as_str(),
        title => title,
    };
    let on = match content.resource.as_str() {
        "" => String::new(),
        resource if title.contains(resource) => String::new(),
        resource => format!(" ({resource})"),
    };
    format!("{title}{on}")
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MEMBER_TITLE_CHARS)
        .collect()
}

/// FNV-1a, 128 bits. Two groups that a sender makes collide are two groups of its own.
fn fingerprint(text: &str) -> u128 {
    text.bytes()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        })
}

#[cfg(test)]
mod tests;
